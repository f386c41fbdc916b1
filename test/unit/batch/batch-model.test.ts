import * as fc from 'fast-check';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { BatchCacheManager, ConnectionError, ServerError } from 'tiercel';
import { ScriptedTarget } from '../../support/scripted-target.js';

type Step =
  | { readonly do: 'set' | 'get' | 'delete'; readonly key: string }
  | { readonly do: 'flush' }
  | { readonly do: 'answer'; readonly which: number; readonly how: 'succeed' | 'fail' | 'lose' };

const key = fc.constantFrom('a', 'b', 'c');
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom('set' as const, 'get' as const, 'delete' as const), key }),
  fc.constant({ do: 'flush' } as const),
  fc.record({
    do: fc.constant('answer' as const),
    which: fc.nat(10),
    how: fc.constantFrom('succeed' as const, 'succeed' as const, 'fail' as const, 'lose' as const),
  }),
);

interface Done {
  readonly do: 'set' | 'get' | 'delete';
  readonly key: string;
  readonly value: number;
  readonly outcome: PromiseSettledResult<unknown>;
}

function toldOf({ outcome }: Done): 'done' | 'not done' | 'unknown' {
  if (outcome.status === 'fulfilled') return 'done';
  return outcome.reason instanceof ConnectionError ? 'unknown' : 'not done';
}

/** What later writes may have left already when a get is asked after all: those whose answer was lost before it. */
function mayHaveHappened(later: readonly Done[]): unknown[] {
  const end = later.findIndex((operation) => operation.do !== 'get' && toldOf(operation) === 'done');
  return (end === -1 ? later : later.slice(0, end))
    .filter((operation) => operation.do !== 'get' && toldOf(operation) === 'unknown')
    .map((operation) => (operation.do === 'set' ? operation.value : undefined));
}

/**
 * Goes through the operations of one key in the order they were called and believes what each promise told: done, not done,
 * or unknown. Returns what may stand under the key afterwards; fails for a get that no such history explains.
 */
function believe(operations: readonly Done[]): Set<unknown> {
  let possible = new Set<unknown>([undefined]);
  for (const [i, operation] of operations.entries()) {
    const { do: what, value, outcome } = operation;
    const told = toldOf(operation);
    if (what === 'get') {
      if (outcome.status !== 'fulfilled') continue;
      expect([...possible, ...mayHaveHappened(operations.slice(i + 1))]).toContain(outcome.value);
      possible = new Set([outcome.value]);
    } else if (told !== 'not done') {
      const written = what === 'set' ? value : undefined;
      possible = new Set(told === 'done' ? [written] : [...possible, written]);
    }
  }
  return possible;
}

describe('a batch, whatever is asked in whatever order and whichever commands fail,', () => {
  it('is as if the operations on each key were carried out one by one', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 3 }),
        async (steps, batchSize, concurrency) => {
          const target = new ScriptedTarget();
          const batch = new BatchCacheManager(target, { batchSize, concurrency, flushInterval: '1h' });
          const called: Array<{ readonly op: Omit<Done, 'outcome'>; readonly promise: Promise<unknown> }> =
            [];
          for (const [value, now] of steps.entries()) {
            if (now.do === 'flush') void batch.flush();
            else if (now.do === 'answer') {
              const command = target.open[now.which % Math.max(1, target.open.length)];
              if (now.how === 'succeed') command?.succeed();
              else if (now.how === 'fail') command?.fail(new ServerError('OOM'));
              else command?.lose(new ConnectionError('lost'));
              await turn();
            } else {
              const promise =
                now.do === 'set'
                  ? batch.batchSet(now.key, value)
                  : now.do === 'get'
                    ? batch.batchGet(now.key)
                    : batch.batchDelete(now.key);
              called.push({ op: { do: now.do, key: now.key, value }, promise });
            }
            for (const { key: busy } of target.open) {
              expect(target.open.filter((other) => other.key === busy)).toHaveLength(1);
            }
          }
          target.answerAll();
          const summary = await batch.close();
          const outcomes = await Promise.allSettled(called.map(({ promise }) => promise));
          const done = called.map(({ op }, i) => ({ ...op, outcome: outcomes[i] as Done['outcome'] }));
          for (const one of new Set(done.map(({ key: k }) => k))) {
            const possible = believe(done.filter(({ key: k }) => k === one));
            expect([...possible]).toContain(target.values.get(one));
          }
          expect([summary.waiting, batch.pending]).toEqual([0, 0]);
        },
      ),
      { numRuns: 1000 },
    );
  });
});
