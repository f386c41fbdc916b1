import { describe, expect, it } from 'vitest';
import { ReadCoalescer } from '../../../src/redis/read-coalescer.js';
import { attribute, ConnectionError, DeadlineError } from '../../../src/errors.js';
import type { CommandArgument, Reply } from '../../../src/redis/port.js';

function recording(answer: (args: readonly CommandArgument[]) => Reply | Promise<Reply>) {
  const commands: string[][] = [];
  const reads = new ReadCoalescer(async (args) => {
    commands.push(args.map(String));
    return answer(args);
  });
  return { reads, commands };
}
const echo = (args: readonly CommandArgument[]): Reply => {
  const values = args.slice(1).map((key) => Buffer.from(String(key)));
  return args[0] === 'GET' ? values[0] : values;
};

describe('reads of one turn', () => {
  it('become one command, a key in it once, each caller with its own answer', async () => {
    const { reads, commands } = recording(echo);
    const answers = await Promise.all(['a', 'b', 'a'].map((key) => reads.get(key)));
    expect(answers.map(String)).toEqual(['a', 'b', 'a']);
    expect(commands).toEqual([['MGET', 'a', 'b']]);
  });

  it('include those of promises that were settled in it', async () => {
    const { reads, commands } = recording(echo);
    await Promise.all([reads.get('a'), Promise.resolve().then(() => reads.get('b'))]);
    expect(commands).toEqual([['MGET', 'a', 'b']]);
  });

  it('are a GET where there is one key', async () => {
    const { reads, commands } = recording(echo);
    await reads.get('a');
    await reads.get('a');
    expect(commands).toEqual([
      ['GET', 'a'],
      ['GET', 'a'],
    ]);
  });

  it('become several commands where they are many', async () => {
    const { reads, commands } = recording(echo);
    const keys = Array.from({ length: 1201 }, (_, i) => `k${i}`);
    expect((await Promise.all(keys.map((key) => reads.get(key)))).map(String)).toEqual(keys);
    expect(commands.map((command) => command.length - 1)).toEqual([500, 500, 201]);
  });

  it('become smaller commands where values are large', async () => {
    const large = Buffer.alloc(100_000);
    const { reads, commands } = recording((args) =>
      args[0] === 'GET' ? large : args.slice(1).map(() => large),
    );
    for (let round = 0; round < 20; round++) await Promise.all(['a', 'b'].map((key) => reads.get(key)));
    commands.length = 0;
    await Promise.all(Array.from({ length: 10 }, (_, i) => reads.get(`k${i}`)));
    for (const command of commands) expect(command.length - 1).toBeLessThanOrEqual(3);
  });

  it('become smaller commands as soon as many values have become large', async () => {
    const large = Buffer.alloc(100_000);
    const { reads, commands } = recording((args) => args.slice(1).map(() => large));
    await Promise.all(['a', 'b'].map((key) => reads.get(key)));
    await Promise.all(Array.from({ length: 10 }, (_, i) => reads.get(`k${i}`)));
    expect(Math.max(...commands.slice(1).map((command) => command.length - 1))).toBe(2);
  });

  it('look for others who read the same key only where there may be some', async () => {
    const { reads, commands } = recording(echo);
    const seen: Array<readonly [string, number]> = [];
    const reader = {
      received: (bytes: Buffer | null, slot: number) => void seen.push([String(bytes), slot]),
      failed: () => undefined,
    };
    const [one, other] = [{}, {}];
    for (const slot of [1, 2]) reads.read('a', reader, slot, one);
    await new Promise((resolve) => setImmediate(resolve));
    for (const slot of [3, 4]) reads.read('a', reader, slot, slot === 3 ? one : other);
    reads.read('b', reader, 5, one);
    await new Promise((resolve) => setImmediate(resolve));
    expect(commands).toEqual([
      ['MGET', 'a', 'a'],
      ['MGET', 'a', 'b'],
    ]);
    expect(seen).toEqual([
      ['a', 1],
      ['a', 2],
      ['a', 3],
      ['a', 4],
      ['b', 5],
    ]);
  });

  it('tell each of several readers that their command was never sent', async () => {
    const { reads } = recording(() => Promise.reject(new ConnectionError('gone', { sent: false })));
    for (const outcome of await Promise.allSettled(['a', 'a', 'b'].map((key) => reads.get(key)))) {
      expect(outcome).toMatchObject({
        reason: { code: 'TIERCEL_CONNECTION', sent: false, outcome: 'not-done' },
      });
    }
  });

  it('fail together, each with an error of its own that can be told its key', async () => {
    const error = new DeadlineError('too late', { cause: new Error('why') });
    const { reads } = recording(() => Promise.reject(error));
    const outcomes = await Promise.all(
      ['a', 'b', 'c'].map((key) =>
        reads.get(key).catch((thrown: unknown) => attribute(thrown as DeadlineError, 'get', key)),
      ),
    );
    expect(outcomes.map((outcome) => (outcome as DeadlineError).key)).toEqual(['a', 'b', 'c']);
    for (const outcome of outcomes) {
      expect(outcome).toBeInstanceOf(DeadlineError);
      expect(outcome).toMatchObject({ name: 'DeadlineError', message: 'too late', cause: error.cause });
    }
  });

  it.each<[what: string, reply: Reply]>([
    ['a number', 5],
    ['too few values', [null]],
    ['nothing', undefined],
  ])('reject when the server answers %s', async (_, reply) => {
    const { reads } = recording(() => reply);
    for (const outcome of await Promise.allSettled([reads.get('a'), reads.get('b')])) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'TIERCEL_SERVER' } });
    }
  });
});
