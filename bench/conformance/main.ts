/**
 * Who keeps what: the checks of `tiercel/testing` over the caches of the bench, as the bench sets them up.
 *
 *     npm run bench:conformance -- [--contenders A,B] [--tries N] [--beside N] [--why] [--report FILE]
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { resolve as pathOf } from 'node:path';
import { parseArgs } from 'node:util';
import { startRedis } from '../../servers/redis.js';
import { CACHES, importContender, type ContenderId } from '../contenders/index.js';
import { describeEnvironment } from '../report/environment.js';
import type { ConformanceMessage, Outcome } from './outcome.js';
import { writePage, type ConformanceColumn } from './page.js';

/** Of one check; each has limits of its own, so this is for what keeps the process itself from going on. */
const LONGEST = 60_000;
const CHILD = fileURLToPath(new URL('child.ts', import.meta.url));
const SIGNS: Readonly<Record<Outcome['result'], string>> = {
  kept: 'yes',
  'not offered': '-',
  broken: 'no',
  crashed: 'CRASH',
  hung: 'HANG',
};

/** Runs one check; undefined when there is none of that number. */
function runCheck(id: string, number: number): Promise<Outcome | undefined> {
  return new Promise((resolve) => {
    let outcome: Outcome | undefined;
    let current: { readonly began: number; readonly promise: string; readonly name: string } | undefined;
    let isHung = false;
    let isDone = false;
    let errors = '';
    const child = fork(CHILD, [id, String(number)], {
      execArgv: ['--conditions=@tiercel/source', '--import', 'tsx'],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    child.stderr?.on('data', (chunk: Buffer) => (errors = (errors + String(chunk)).slice(-4000)));
    let limit: NodeJS.Timeout | undefined;
    child.on('message', (message: ConformanceMessage) => {
      clearTimeout(limit);
      if ('done' in message) isDone = true;
      else if ('result' in message) {
        outcome = message;
        current = undefined;
      } else {
        current = message;
        limit = setTimeout(() => {
          isHung = true;
          child.kill('SIGKILL');
        }, LONGEST);
      }
    });
    child.on('close', () => {
      clearTimeout(limit);
      if (current) {
        const why = /^\w*Error: .*$/m.exec(errors)?.[0] ?? errors.trim().split('\n').at(-1) ?? '';
        const { began: index, promise, name } = current;
        outcome = { index, promise, name, result: isHung ? 'hung' : 'crashed', why };
      } else if (!isDone && !outcome) {
        process.stderr.write(`${id} could not be started: ${errors}\n`);
      }
      resolve(outcome);
    });
  });
}

async function runAll(id: string, tries: number): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (;;) {
    let outcome = await runCheck(id, outcomes.length);
    if (!outcome) return outcomes;
    // A machine with other work may be late where the cache is not.
    for (let tried = 1; tried < tries && outcome && mayDiffer(outcome); tried++) {
      outcome = (await runCheck(id, outcomes.length)) ?? outcome;
    }
    outcomes.push(outcome);
  }
}

function mayDiffer({ result }: Outcome): boolean {
  return result !== 'kept' && result !== 'not offered';
}

const { values } = parseArgs({
  options: {
    contenders: { type: 'string' },
    tries: { type: 'string', default: '1' },
    beside: { type: 'string', default: '1' },
    why: { type: 'boolean', default: false },
    report: { type: 'string' },
  },
});
const wanted = CACHES.filter((id) => values.contenders?.split(',').includes(id) ?? true);
const tries = Number(values.tries);
const environment = await (async () => {
  await using server = await startRedis();
  return describeEnvironment(server, 'npm run bench:conformance');
})();
const columns: Array<ConformanceColumn & { readonly id: ContenderId }> = [];
const waiting = [...wanted.entries()];
/** The next contender that nobody has begun, and so on. Each has servers of its own, and most of its time it waits. */
async function goOn(): Promise<void> {
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    const [place, id] = next;
    process.stderr.write(`... ${id}\n`);
    columns[place] = { id, contender: await importContender(id), outcomes: await runAll(id, tries) };
  }
}
await Promise.all(Array.from({ length: Number(values.beside) }, goOn));
const names = (columns[0]?.outcomes ?? []).map(({ promise, name }) => `${promise} ${name}`);
const width = Math.max(...names.map((name) => name.length));
const print = (name: string, cells: readonly string[]): void => {
  const texts = cells.map((cell, i) => cell.padStart(Math.max(5, wanted[i]?.length ?? 0)));
  process.stdout.write(`${name.padEnd(width)}  ${texts.join('  ')}\n`);
};
print('', wanted);
for (const [i, name] of names.entries()) {
  print(
    name,
    columns.map(({ outcomes }) => SIGNS[outcomes[i]?.result ?? 'not offered']),
  );
}
print(
  'kept',
  columns.map(({ outcomes }) => String(outcomes.filter(({ result }) => result === 'kept').length)),
);
process.stdout.write("'-': not offered, or not part of how the bench sets it up\n");
if (values.why) {
  for (const { id, outcomes } of columns) {
    for (const { promise, name, result, why } of outcomes) {
      if (result !== 'kept')
        process.stdout.write(`${id}: ${promise} ${name}: ${SIGNS[result]}: ${why ?? ''}\n`);
    }
  }
}
if (values.report !== undefined) {
  await writePage(pathOf(values.report), { environment, tries, columns, signs: SIGNS });
}
