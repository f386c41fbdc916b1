import { comesBack, keysApart } from './fidelity-checks.js';
import {
  invalidatedElsewhere,
  invalidatedHere,
  oneFailingLoad,
  oneLoadInOneProcess,
  oneLoadOverProcesses,
} from './load-checks.js';
import { loadsWhile, settlesWhileFrozen, tellsTheTruth, writesBehind } from './outage-checks.js';
import { Stage } from './stage.js';
import {
  changedElsewhere,
  changedFromOutside,
  changedUnheard,
  changedWhileCutOff,
  invalidatedWhileDown,
  tagInvalidatedElsewhere,
} from './staleness-checks.js';
import type { ConformanceCheck, ConformanceSubject, PromiseName } from './subject.js';

type Row = readonly [promise: PromiseName, name: string, work: (stage: Stage) => Promise<void>];

const VALUES: ReadonlyArray<readonly [name: string, value: unknown]> = [
  ['null', null],
  ['0', 0],
  ['false', false],
  ['an empty string', ''],
  ['a Date', new Date('2026-02-03T04:05:06.789Z')],
  ['a Map', new Map([['a', 1]])],
  ['a Set', new Set([1, '1'])],
  ['a BigInt', 2n ** 64n],
  ['a Buffer', Buffer.from([0, 255])],
];

const ROWS: readonly Row[] = [
  ['P1', 'one load for 50 callers of one process', oneLoadInOneProcess],
  ['P1', 'one load for 50 callers of two processes', oneLoadOverProcesses],
  ['P1', 'one failing load for 50 callers, and another try after it', oneFailingLoad],
  ['P2', 'nothing loaded before a delete is served after it', invalidatedHere('delete')],
  ['P2', 'nothing loaded before a set is served after it', invalidatedHere('set')],
  ['P2', 'nothing loaded before another process’s delete is served after it', invalidatedElsewhere],
  ['P3', 'a change by another process is seen', changedElsewhere],
  ['P3', 'a change by redis-cli is seen', changedFromOutside],
  ['P3', 'a tag invalidated by another process is seen', tagInvalidatedElsewhere],
  ['P3', 'a change made while connections were cut is seen', changedWhileCutOff],
  ['P3', 'a change made behind dead connections is seen', changedUnheard],
  ['P4', 'every call settles while Redis is frozen', settlesWhileFrozen],
  ['P5', 'getOrSet loads while Redis is frozen', loadsWhile('frozen')],
  ['P5', 'getOrSet loads while Redis is dead', loadsWhile('dead')],
  ['P5', 'a set that did not happen is not said to be done', tellsTheTruth('set')],
  ['P5', 'a delete that did not happen is not said to be done', tellsTheTruth('delete')],
  [
    'P6',
    'an invalidation made while Redis was dead holds, here at once and everywhere later',
    invalidatedWhileDown,
  ],
  ['P7', 'an acknowledged write reaches the database when its process has ended', writesBehind],
  ...VALUES.map(([name, value]): Row => ['P8', `${name} comes back as it was`, comesBack(value)]),
  ['P8', 'keys that look alike are kept apart', keysApart],
];

/**
 * What a cache of memory and Redis may be expected to keep, as checks for any test runner: each opens the instances it needs and
 * leaves Redis empty and well. They are to be run one after another. See docs/guides/testing.md.
 *
 * ```ts
 * for (const { promise, name, run } of conformance(subject)) it(`${promise}: ${name}`, run);
 * ```
 */
export function* conformance(subject: ConformanceSubject): Generator<ConformanceCheck, void, undefined> {
  for (const [promise, name, work] of ROWS) {
    yield {
      promise,
      name,
      run: async () => {
        await subject.redis.cli('FLUSHALL');
        const stage = new Stage(subject);
        try {
          await work(stage);
        } finally {
          await stage.clear();
        }
      },
    };
  }
}
