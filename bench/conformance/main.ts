/**
 * Who keeps what: the checks of `tiercel/testing` over the caches of the bench, as the bench sets them up.
 *
 *     npm run bench:conformance -- [--contenders A,B] [--why]
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CACHES } from '../contenders/index.js';
import type { ConformanceMessage, Outcome } from './outcome.js';

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

async function runAll(id: string): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (;;) {
    const outcome = await runCheck(id, outcomes.length);
    if (!outcome) return outcomes;
    outcomes.push(outcome);
  }
}

const { values } = parseArgs({
  options: { contenders: { type: 'string' }, why: { type: 'boolean', default: false } },
});
const wanted = values.contenders?.split(',') ?? CACHES;
const columns: Array<{ readonly id: string; readonly outcomes: readonly Outcome[] }> = [];
for (const id of wanted) {
  process.stderr.write(`... ${id}\n`);
  columns.push({ id, outcomes: await runAll(id) });
}
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
