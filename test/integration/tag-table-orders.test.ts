import * as fc from 'fast-check';
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { KeySpace } from '../../src/client/key-space.js';
import { TagTable } from '../../src/layers/tag-table.js';
import { openPort } from '../../src/redis/open-port.js';
import type { RedisPort } from '../../src/redis/port.js';
import { sharedRedisUrl, uniquePrefix } from '../support/redis.js';

type Step =
  | { readonly do: 'load' | 'invalidate'; readonly by: number; readonly tags: readonly string[] }
  | { readonly do: 'evict'; readonly tag: string | undefined };

const by = fc.nat({ max: 2 });
const tags = fc.constantFrom(['a'], ['a'], ['a', 'b']);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('load' as const), by, tags }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('invalidate' as const), by, tags }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('evict' as const),
      tag: fc.constantFrom('a', 'a', 'a', 'b', undefined),
    }),
  },
);

/** Lets one command at a time be carried out, in an order that was drawn: as with servers and processes that are slow at will. */
class Turns {
  readonly #waiting: Array<() => Promise<void>> = [];

  take<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => work().then(resolve, reject));
    });
  }

  /** Until nobody waits for a turn. */
  async give(order: Iterator<number>): Promise<void> {
    for (;;) {
      // By then all that the last turn led to has come to its next command.
      await turnOfTheLoop();
      if (this.#waiting.length === 0) return;
      const [next] = this.#waiting.splice(Number(order.next().value) % this.#waiting.length, 1);
      await next?.();
    }
  }

  over(port: RedisPort): RedisPort {
    const replaced: Pick<RedisPort, 'send' | 'sendAll'> = {
      send: (command) => this.take(() => port.send(command)),
      sendAll: (commands) => this.take(() => port.sendAll(commands)),
    };
    return new Proxy(port, {
      get(target, name) {
        if (name === 'send' || name === 'sendAll') return replaced[name];
        const member: unknown = Reflect.get(target, name, target);
        return typeof member === 'function' ? member.bind(target) : member;
      },
    });
  }
}

async function serverTime(port: RedisPort): Promise<number> {
  const [seconds, micros] = (await port.send({ key: '', args: ['TIME'] })) as [Buffer, Buffer];
  return Number(String(seconds)) * 1000 + Math.floor(Number(String(micros)) / 1000);
}

/** The next millisecond of the server's clock, so that nothing is stale for being of the same one. */
async function later(port: RedisPort): Promise<number> {
  const before = await serverTime(port);
  let now = before;
  while (now === before) now = await serverTime(port);
  return now;
}

/** What one namespace went through, and what must be stale because of it. */
class History {
  readonly #port: RedisPort;
  readonly #keys = KeySpace.of(uniquePrefix());
  readonly #turns = new Turns();
  readonly #processes: readonly TagTable[];
  readonly #entries: Array<{ tags: readonly string[]; createdAt: number; loadedAt: number }> = [];
  readonly #invalidations: Array<{ tags: readonly string[]; calledAt: number }> = [];
  #moments = 0;
  stored = 0;

  constructor(port: RedisPort) {
    this.#port = port;
    this.#processes = [0, 1, 2].map(() => this.#table(this.#turns.over(port)));
  }

  async carryOut(steps: readonly Step[], order: Iterator<number>): Promise<void> {
    await this.#table(this.#port).warm();
    const all = Promise.all(steps.map((next) => this.#carryOut(next)));
    await Promise.all([all, this.#turns.give(order)]);
  }

  /** Whatever was loaded before an invalidation that is done. */
  async verify(): Promise<void> {
    const outdated = this.#entries.filter((entry) =>
      this.#invalidations.some(
        (done) => done.calledAt > entry.loadedAt && done.tags.some((tag) => entry.tags.includes(tag)),
      ),
    );
    expect(await this.#verdicts(outdated)).toEqual(outdated.map(() => 'stale'));
  }

  async countValid(): Promise<number> {
    return (await this.#verdicts(this.#entries)).filter((verdict) => verdict === 'valid').length;
  }

  /** Loses all records, and loads until there are some again: that must give none back to what is outdated. */
  async loseAndLoad(): Promise<void> {
    const table = this.#table(this.#port);
    for (const key of [this.#keys.tagKey('a'), this.#keys.tagKey('b'), this.#keys.tagFloorKey]) {
      await this.#port.send({ key, args: ['DEL', key] });
    }
    for (const tag of ['a', 'b']) {
      const stored = await table.prepareFill([tag], await later(this.#port));
      if (!stored) expect(await table.prepareFill([tag], await later(this.#port))).toBe(true);
    }
  }

  async #carryOut(next: Step): Promise<void> {
    if (next.do === 'evict') {
      const key = next.tag === undefined ? this.#keys.tagFloorKey : this.#keys.tagKey(next.tag);
      await this.#turns.take(() => this.#port.send({ key, args: ['DEL', key] }));
      return;
    }
    const process = this.#processes[next.by];
    if (!process) throw new Error('there are three');
    if (next.do === 'load') {
      const createdAt = await this.#turns.take(() => later(this.#port));
      this.#entries.push({ tags: next.tags, createdAt, loadedAt: this.#moments++ });
      // Here the load itself goes on.
      await this.#turns.take(async () => undefined);
      if (await process.prepareFill(next.tags, createdAt)) this.stored++;
    } else {
      await this.#turns.take(() => later(this.#port));
      const calledAt = this.#moments++;
      await process.invalidate(next.tags);
      this.#invalidations.push({ tags: next.tags, calledAt });
    }
    await this.verify();
  }

  #verdicts(entries: ReadonlyArray<{ tags: readonly string[]; createdAt: number }>): Promise<string[]> {
    const reader = this.#table(this.#port);
    return Promise.all(entries.map((entry) => reader.resolve(entry.tags, entry.createdAt)));
  }

  #table(port: RedisPort): TagTable {
    return new TagTable({ port, keys: this.#keys, retention: 60_000, remember: false });
  }
}

it('no entry that was loaded before an invalidation of one of its tags is ever valid after it, whatever Redis evicts and when', async () => {
  // A machine that is busy must not look like a table that is wrong.
  const port = openPort({ url: sharedRedisUrl(), commandTimeout: '5s' });
  await port.connect();
  let stored = 0;
  let valid = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 3, maxLength: 16 }),
      fc.infiniteStream(fc.nat({ max: 999 })),
      async (steps, order) => {
        const history = new History(port);
        await history.carryOut(steps, order);
        await history.verify();
        stored += history.stored;
        valid += await history.countValid();
        await history.loseAndLoad();
        await history.verify();
      },
    ),
    { numRuns: 150 },
  );
  await port.close();
  // A table that calls everything stale would keep the rule, too.
  expect(stored).toBeGreaterThan(0);
  expect(valid).toBeGreaterThan(0);
});
