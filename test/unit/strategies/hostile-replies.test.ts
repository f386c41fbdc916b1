import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeySpace } from '../../../src/client/key-space.js';
import { CacheError } from '../../../src/errors.js';
import type { RedisPort, Reply } from '../../../src/redis/port.js';
import { partitionKeys } from '../../../src/strategies/write-behind/partition-keys.js';
import { Partition } from '../../../src/strategies/write-behind/partition.js';
import { readPendingWrite, type PendingWrite } from '../../../src/strategies/write-behind/pending-write.js';
import { anyReply, mutated, mutatedText } from '../../support/hostile.js';

const KEYS = partitionKeys(KeySpace.of('shop'), 'orders', 0);

/** A partition in a Redis that answers everything with the same. */
function answering(reply: unknown): Partition {
  const port = {
    send: async () => reply as Reply,
    deadline: () => 0,
  };
  return new Partition(port as unknown as RedisPort, KEYS);
}

/** A number as one of our records has it, and one that none has. */
const count = fc.oneof(
  { weight: 9, arbitrary: fc.nat() },
  { weight: 1, arbitrary: fc.constantFrom('', '-1', '1e9', '9'.repeat(16), '9'.repeat(40)) },
);
const record = fc
  .tuple(
    count,
    count,
    count,
    fc.constantFrom('s', 's', 'r', 'x'),
    fc.constantFrom('t', 'n', 'b', 'x'),
    fc.uint8Array(),
  )
  .map(([sequence, attempts, queuedAt, kind, type, entry]) =>
    Buffer.concat([Buffer.from(`${sequence} ${attempts} ${queuedAt} ${kind}${type}\n`), entry]),
  );
const id = fc.oneof(
  fc.constantFrom('42', '-1.5', '1e21', '', '0x10', ' 7', '007', '12345678901234567890', 'NaN', 'user:42'),
  fc.string({ maxLength: 8 }),
);
const anyRecord: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 3, arbitrary: record },
  { weight: 3, arbitrary: mutated(record) },
  { weight: 1, arbitrary: anyReply },
);
const letter = fc
  .tuple(
    fc.oneof(fc.constant('1700000000000-0'), mutatedText(fc.constant('1700000000000-0')), anyReply),
    id,
    anyRecord,
  )
  .map(([place, field, bytes]) => [place, ['id', field, 'record', bytes, 'error', 'refused']]);
const anyLetters: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 5, arbitrary: fc.array(fc.oneof({ weight: 5, arbitrary: letter }, anyReply), { maxLength: 3 }) },
  { weight: 1, arbitrary: anyReply },
);
const anyTaken: fc.Arbitrary<unknown> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .tuple(fc.oneof(fc.integer({ min: -1 }), anyReply), fc.array(fc.tuple(id, anyRecord), { maxLength: 3 }))
      .map(([due, writes]) => [due, ...writes.flat()]),
  },
  { weight: 1, arbitrary: anyReply },
);

function expectSane({ id: read, field, sequence, attempts, queuedAt, entry }: PendingWrite): void {
  // It is what says in Redis which write was settled.
  expect(String(read)).toBe(field);
  for (const number of [sequence, attempts, queuedAt]) {
    expect(Number.isSafeInteger(number) && number >= 0).toBe(true);
  }
  expect(entry === undefined || Buffer.isBuffer(entry)).toBe(true);
}

/** @returns undefined where it rejects with one of our errors. */
async function answerOrError<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    expect(error).toBeInstanceOf(CacheError);
    return undefined;
  }
}

describe('what Redis has of writes to the database is one of ours, or a CacheError:', () => {
  it('a pending write', async () => {
    await fc.assert(
      fc.asyncProperty(id, anyRecord, async (field, bytes) => {
        const write = await answerOrError(async () => readPendingWrite(field, bytes as Reply));
        if (write) expectSane(write);
        const found = await answerOrError(() => answering(bytes).pending(field));
        expect(found).toEqual(write);
      }),
      { numRuns: 2000 },
    );
  });

  it('dead letters', async () => {
    await fc.assert(
      fc.asyncProperty(anyLetters, async (reply) => {
        const dead = await answerOrError(() => answering(reply).deadLetters('', 100));
        for (const one of dead ?? []) {
          expectSane(one.write);
          expect(one.letter).toMatch(/^\d+-\d+$/);
          expect(typeof one.error).toBe('string');
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('the next writes', async () => {
    await fc.assert(
      fc.asyncProperty(anyTaken, async (reply) => {
        const taken = await answerOrError(() => answering(reply).take('me', 1000, 100));
        for (const write of taken?.writes ?? []) expectSane(write);
        if (taken?.nextDue !== undefined) expect(taken.nextDue).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 2000 },
    );
  });

  it('how much waits, and whatever else is asked', async () => {
    const numbers = fc.array(fc.oneof(fc.nat(), fc.constantFrom<unknown>('17', -1), anyReply), {
      minLength: 6,
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(fc.oneof(numbers, anyReply), async (reply) => {
        const partition = answering(reply);
        const backlog = await answerOrError(() => partition.backlog());
        for (const number of Object.values(backlog ?? {})) {
          if (number !== undefined) expect(Number.isSafeInteger(number)).toBe(true);
        }
        const bounds = { maxPending: 10, maxAge: Infinity };
        const sequence = await answerOrError(() => partition.enqueue(1, undefined, bounds));
        if (sequence !== undefined) expect(Number.isSafeInteger(sequence)).toBe(true);
        await answerOrError(() => partition.replay('1-0', 1));
        expect(typeof (await partition.drop('1-0', 1))).toBe('boolean');
        expect(typeof (await partition.acquire('me', 1000))).toBe('boolean');
      }),
      { numRuns: 1000 },
    );
  });
});
