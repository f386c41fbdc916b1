import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { median } from '../report/summary.js';
import { WORKLOADS, type Workload } from './contenders.js';

const CHILD = fileURLToPath(new URL('child.ts', import.meta.url));
/** Until code is compiled and heaps are settled. */
const WARMING = 3;

export interface SpeedOptions {
  readonly only: readonly string[];
  readonly rounds: number;
  readonly milliseconds: number;
}

/** Nanoseconds an operation and, round by round, how many times those of the first contender. */
export interface Speed {
  readonly name: string;
  readonly nanoseconds: number;
  readonly ratios: readonly number[];
}

async function message(child: ChildProcess): Promise<unknown> {
  const gaveUp = new AbortController();
  const giveUp = (): void => gaveUp.abort(new Error('a contender gave up'));
  child.once('exit', giveUp);
  try {
    const [received] = await once(child, 'message', { signal: gaveUp.signal });
    return received as unknown;
  } finally {
    child.off('exit', giveUp);
  }
}

async function start(workload: string, contender: string, keys: number): Promise<ChildProcess> {
  const child = fork(CHILD, [workload, contender, String(keys)], { execArgv: process.execArgv });
  await message(child);
  return child;
}

/** All contenders in turns, so that a machine that slows down for a while slows all of them down. */
async function measure(
  id: string,
  { contenders }: Workload,
  keys: number,
  options: SpeedOptions,
): Promise<Speed[]> {
  const names = Object.keys(contenders);
  const children: ChildProcess[] = [];
  try {
    for (const name of names) children.push(await start(id, name, keys));
    const rounds: number[][] = [];
    for (let round = -WARMING; round < options.rounds; round++) {
      const took: number[] = [];
      for (let i = 0; i < children.length; i++) {
        // Nobody is always the first after the same other.
        const at = (i + Math.abs(round)) % children.length;
        const child = children[at] as ChildProcess;
        child.send(options.milliseconds);
        took[at] = Number(await message(child));
      }
      if (round >= 0) rounds.push(took);
    }
    return names.map((name, at) => ({
      name,
      nanoseconds: median(rounds.map((took) => took[at] as number)),
      ratios: names.map((_, to) => median(rounds.map((took) => (took[at] as number) / (took[to] as number)))),
    }));
  } finally {
    for (const child of children) child.kill();
  }
}

export async function compareSpeed(options: SpeedOptions, print: (line?: string) => void): Promise<void> {
  for (const [id, workload] of Object.entries(WORKLOADS)) {
    if (!options.only.includes(id)) continue;
    for (const keys of workload.sizes) {
      const speeds = await measure(id, workload, keys, options);
      print();
      print(`${workload.title}, ${keys.toLocaleString('en')} keys; ns, and times the ns of each above:`);
      for (const [at, { name, nanoseconds, ratios }] of speeds.entries()) {
        const against = ratios.slice(0, at).map((ratio) => ratio.toFixed(2).padStart(6));
        print(`  ${name.padEnd(26)}${nanoseconds.toFixed(1).padStart(7)}  ${against.join('')}`);
      }
    }
  }
}
