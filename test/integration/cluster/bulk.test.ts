import { createClient } from '@redis/client';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createCache, type CacheManager } from 'tiercel';
import { startRedisCluster, type RedisCluster } from '../../../servers/redis-cluster.js';
import { eventually } from '../../support/eventually.js';
import { PATIENT } from '../../support/open-cache.js';
import type { RedisServer } from '../../support/redis.js';

/** What one node did: how often it read from a socket, and the commands that it carried out. */
interface Work {
  readonly reads: number;
  readonly commands: Readonly<Record<string, number>>;
}

/**
 * Asks one node for what it did, always over the same connection: so that asking costs one read, and nothing else is counted.
 * A pipeline that is written at once is read at once, up to the 16 KB that Redis takes from a socket in one go.
 */
class Witness {
  readonly #client;
  #readsBefore = 0;

  private constructor(url: string) {
    this.#client = createClient({ url });
    this.#client.on('error', () => undefined);
  }

  static async of({ url }: RedisServer): Promise<Witness> {
    const witness = new Witness(url);
    await witness.#client.connect();
    return witness;
  }

  async flush(): Promise<void> {
    await this.#client.flushAll();
  }

  async begin(): Promise<void> {
    await this.#client.configResetStat();
    this.#readsBefore = (await this.#info()).reads;
  }

  async sinceBegin(): Promise<Work> {
    const { reads, commands } = await this.#info();
    return { reads: reads - this.#readsBefore - 1, commands };
  }

  close(): void {
    this.#client.destroy();
  }

  async #info(): Promise<Work> {
    const text = await this.#client.sendCommand<string>(['INFO', 'stats', 'commandstats']);
    const calls = [...text.matchAll(/^cmdstat_([a-z]+):calls=(\d+)/gm)];
    return {
      reads: Number(/^total_reads_processed:(\d+)/m.exec(text)?.[1]),
      commands: Object.fromEntries(calls.map(([, name, count]) => [name, Number(count)])),
    };
  }
}

const keys = Array.from({ length: 300 }, (_, i) => `user:${i}`);
const entries = keys.map((key) => [key, `of ${key}`] as const);

describe('many keys over three nodes', () => {
  let cluster: RedisCluster;
  let witnesses: Witness[];
  let cache: CacheManager;

  beforeAll(async () => {
    cluster = await startRedisCluster({ replicas: 0, nodeTimeout: 10_000 });
    witnesses = await Promise.all(cluster.nodes.map((node) => Witness.of(node)));
    cache = createCache({
      // Nothing but what is asked for goes over the wire while it is counted.
      redis: { cluster: cluster.urls, ...PATIENT, heartbeatInterval: '1m' },
      namespace: 'shop',
      memory: false,
    });
    await cache.ready();
  });
  afterAll(async () => {
    await cache.close();
    for (const witness of witnesses) witness.close();
    await cluster.stop();
  });
  beforeEach(() => Promise.all(witnesses.map((witness) => witness.flush())));

  /** What each node did for it. */
  async function workFor(call: () => Promise<unknown>): Promise<Work[]> {
    await Promise.all(witnesses.map((witness) => witness.begin()));
    await call();
    return Promise.all(witnesses.map((witness) => witness.sinceBegin()));
  }

  const readsOf = (work: readonly Work[]): number[] => work.map(({ reads }) => reads);
  const sum = (work: readonly Work[], command: string): number =>
    work.reduce((total, { commands }) => total + (commands[command] ?? 0), 0);

  it('are written, read and removed in one round trip a node', async () => {
    const written = await workFor(() => cache.setMany(entries));
    expect(readsOf(written)).toEqual([1, 1, 1]);
    expect(sum(written, 'set')).toBe(keys.length);

    const read = await workFor(async () => expect(await cache.getMany(keys)).toEqual(new Map(entries)));
    expect(readsOf(read)).toEqual([1, 1, 1]);
    expect(sum(read, 'get')).toBe(keys.length);

    const removed = await workFor(async () => expect(await cache.deleteMany(keys)).toBe(keys.length));
    expect(readsOf(removed)).toEqual([1, 1, 1]);
    expect(await cache.getMany(keys)).toEqual(new Map());
  });

  it('are loaded in three round trips a node: what is there, who loads it, what was loaded', async () => {
    const { fills } = cache.stats().counters;
    const loaded: number[] = [];
    const loadAll = async (some: readonly string[]): Promise<unknown> => {
      const { fills: before } = cache.stats().counters;
      const found = await cache.getOrSetMany(some, (missing) => {
        loaded.push(missing.length);
        return missing.map((key) => `of ${key}`);
      });
      await eventually('the fills', () => cache.stats().counters.fills === before + some.length);
      return found;
    };
    // Each node is told the text of its scripts once.
    await loadAll(Array.from({ length: 30 }, (_, i) => `first:${i}`));
    // The scripts are long: of more keys a pipeline is more than what Redis reads in one go.
    const some = keys.slice(0, 150);
    const work = await workFor(async () =>
      expect(await loadAll(some)).toEqual(new Map(entries.slice(0, 150))),
    );
    expect(readsOf(work)).toEqual([3, 3, 3]);
    expect(loaded).toEqual([30, 150]);
    expect(cache.stats().counters.fills).toBe(fills + 180);
  });

  it('are one command to read where they have the same hash tag, and one pipeline still where some have', async () => {
    const tags = Array.from({ length: 12 }, (_, i) => `{team:${i}}`);
    const tagged = tags.flatMap((tag) => ['name', 'members', 'score'].map((field) => `${tag}:${field}`));
    await cache.setMany(tagged.map((key) => [key, key]));
    const one = await workFor(() => cache.getMany(tagged.slice(0, 3)));
    expect([sum(one, 'mget'), sum(one, 'get')]).toEqual([1, 0]);
    expect(readsOf(one).toSorted((a, b) => a - b)).toEqual([0, 0, 1]);

    const all = await workFor(async () => {
      const found = await cache.getMany([...tagged, ...keys]);
      expect([...found.keys()]).toEqual(tagged);
    });
    expect([sum(all, 'mget'), sum(all, 'get')]).toEqual([tags.length, keys.length]);
    expect(readsOf(all)).toEqual([1, 1, 1]);
  });

  it('are asked for side by side: a node that does not answer keeps nobody waiting but its own', async () => {
    await cache.setMany(entries);
    for (const [frozen, node] of cluster.nodes.entries()) {
      await Promise.all(witnesses.map((witness) => witness.begin()));
      await node.freeze();
      let answered = false;
      const found = cache.getMany(keys).finally(() => (answered = true));
      try {
        await eventually('the others have read theirs', async () => {
          const others = witnesses.filter((_, i) => i !== frozen);
          const work = await Promise.all(others.map((witness) => witness.sinceBegin()));
          return work.every(({ commands }) => (commands['get'] ?? 0) > 0);
        });
        expect(answered).toBe(false);
      } finally {
        await node.thaw();
      }
      expect(await found).toEqual(new Map(entries));
    }
  });
});
