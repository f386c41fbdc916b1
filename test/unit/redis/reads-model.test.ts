import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CacheError, ConnectionError } from '../../../src/errors.js';
import { hashTag } from '../../../src/redis/hash-tag.js';
import type { Reader } from '../../../src/redis/port.js';
import { ReadCoalescer } from '../../../src/redis/read-coalescer.js';

const KEYS = ['a', 'b', 'c', '{t}1', '{t}2', '{u}1', 'd'.repeat(9)];

/** One thing that happens in a turn; the turn ends with each `end`. */
const step = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('read' as const),
      key: fc.constantFrom(...KEYS),
      source: fc.constantFrom(undefined, { name: 'one' }, { name: 'other' }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      key: fc.constantFrom(...KEYS),
      // Of values so large only two go into a command.
      size: fc.option(fc.oneof(fc.nat(20), fc.constant(100_000))),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ do: 'end' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'fail' as const }) },
);

/** A server that carries commands out one at a time, as they come. */
class Server {
  readonly values = new Map<string, Buffer>();
  /** Keys by command. */
  readonly commands: string[][] = [];
  fails = false;

  async command(args: readonly unknown[]): Promise<Buffer | null | Array<Buffer | null>> {
    const keys = args.slice(1).map(String);
    this.commands.push(keys);
    if (this.fails) throw new ConnectionError('lost', { sent: true });
    const found = keys.map((key) => this.values.get(key) ?? null);
    return args[0] === 'GET' ? (found[0] ?? null) : found;
  }
}

describe.each([false, true])('reads of one turn, where keys may be apart: %s', (isApart) => {
  it('are answered as if each had been a command of its own, once each', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 150, size: 'max' }), async (steps) => {
        const server = new Server();
        const apart = {
          togetherBy: hashTag,
          read: (key: string, reader: Reader, slot: number) =>
            void server.command(['GET', key]).then(
              (bytes) => reader.received(bytes as Buffer | null, slot),
              (error: CacheError) => reader.failed(error, slot),
            ),
        };
        const reads = new ReadCoalescer((args) => server.command(args), isApart ? apart : undefined);
        const answers: Array<Array<Buffer | null | CacheError>> = [];
        const expected: string[] = [];
        let turn: string[] = [];
        const asksOf = new Map<object | undefined, Set<string>>();
        const reader: Reader = {
          received: (bytes, slot) => void answers[slot]?.push(bytes),
          failed: (error, slot) => void answers[slot]?.push(error),
        };
        const endTurn = async (): Promise<void> => {
          const before = server.commands.length;
          // The commands are sent when the turn ends, and see what stands by then.
          await new Promise((resolve) => setImmediate(resolve));
          const sent = server.commands.slice(before);
          expect(sent.flat().sort()).toEqual([...new Set(turn)].sort());
          if (isApart) for (const keys of sent) expect(new Set(keys.map(hashTag)).size).toBe(1);
          for (const key of turn)
            expected.push(server.fails ? 'failed' : String(server.values.get(key)?.length));
          server.fails = false;
          turn = [];
          asksOf.clear();
        };
        for (const one of steps) {
          if (one.do === 'read') {
            answers.push([]);
            // A source asks for no key twice in a turn.
            const asked = asksOf.get(one.source) ?? new Set();
            reads.read(one.key, reader, answers.length - 1, asked.has(one.key) ? undefined : one.source);
            asksOf.set(one.source, asked.add(one.key));
            turn.push(one.key);
          } else if (one.do === 'write') {
            if (one.size === null) server.values.delete(one.key);
            else server.values.set(one.key, Buffer.alloc(one.size + KEYS.indexOf(one.key)));
          } else if (one.do === 'fail') server.fails = true;
          else await endTurn();
        }
        await endTurn();
        expect(answers.map((each) => each.length)).toEqual(expected.map(() => 1));
        expect(
          answers.map(([answer]) => (answer instanceof CacheError ? 'failed' : String(answer?.length))),
        ).toEqual(expected);
        // An error is told its key by whoever gets it, so no two may be the same.
        const errors = answers.flat().filter((answer) => answer instanceof CacheError);
        expect(new Set(errors).size).toBe(errors.length);
      }),
    );
  });
});
