import { createCache, type CacheManager } from 'tiercel';
import { describe, expect, it } from 'vitest';
import { startRedisCluster } from '../../../servers/redis-cluster.js';
import { eventually } from '../../support/eventually.js';
import { Opened, PATIENT } from '../../support/open-cache.js';
import { sharedRedisUrl, startRedis, uniquePrefix } from '../../support/redis.js';
import { jsonOfCli, runCli } from '../../support/run-cli.js';

interface Letter {
  readonly queue: string;
  readonly namespace: string;
  readonly letter: string;
  readonly id: number | string;
  readonly kind: string;
  readonly shown: string | null;
  readonly error: string;
}

async function forgets(cache: CacheManager, key: string): Promise<void> {
  await eventually(`the copy of ${key} to go`, () => cache.peek(key) === undefined);
}

describe('tiercel invalidate', () => {
  it('removes keys, tags and namespaces, and running processes drop their copies', async () => {
    await using opened = new Opened();
    const namespace = uniquePrefix();
    const url = sharedRedisUrl();
    const cache = createCache({ redis: { url, ...PATIENT }, namespace });
    opened.add(() => cache.close());
    await cache.ready();
    const within = cache.namespace('eu');
    await cache.setMany([
      ['a', 1],
      ['b', 2],
      ['c', 3],
    ]);
    await cache.set('tagged', 4, { tags: ['users'] });
    await within.set('a', 5);
    expect(cache.peek('a')).toBe(1);

    const args = ['invalidate', '--url', url, '--namespace', namespace];
    expect(await jsonOfCli([...args, 'a', 'none'])).toMatchObject({ keys: 2, removed: 1 });
    await forgets(cache, 'a');
    expect(cache.peek('b')).toBe(2);
    expect(within.peek('a')).toBe(5);

    await jsonOfCli([...args, '--tag', 'users']);
    await forgets(cache, 'tagged');
    expect(await cache.get('tagged')).toBeUndefined();

    expect(await runCli([...args, '--all', '--yes'])).toMatchObject({ code: 0 });
    await forgets(cache, 'b');
    expect(await cache.getMany(['b', 'c'])).toEqual(new Map());
    expect(await within.get('a')).toBe(5);
    const nested = ['invalidate', '--url', url, '--namespace', `${namespace}:eu`];
    await jsonOfCli([...nested, 'a']);
    await forgets(within, 'a');
  }, 60_000);

  it('tells processes that hear by pub/sub', async () => {
    await using opened = new Opened();
    const namespace = uniquePrefix();
    const url = sharedRedisUrl();
    const cache = createCache({ redis: { url, ...PATIENT }, namespace, coherence: 'pubsub' });
    opened.add(() => cache.close());
    await cache.ready();
    await cache.set('a', 1);
    await eventually('a copy that stays', () => cache.peek('a') === 1);
    await jsonOfCli(['invalidate', 'a', '--url', url, '--namespace', namespace, '--pubsub']);
    await forgets(cache, 'a');
  }, 60_000);

  it('removes over the nodes of a Cluster', async () => {
    await using cluster = await startRedisCluster({ primaries: 3, replicas: 0 });
    await using opened = new Opened();
    const cache = createCache({ redis: { cluster: cluster.urls, ...PATIENT }, namespace: 'shop' });
    opened.add(() => cache.close());
    const entries = Array.from({ length: 40 }, (_, i) => [`k${i}`, i] as const);
    await cache.setMany(entries);
    const [first] = cluster.nodes;
    const args = ['invalidate', '--cluster', `127.0.0.1:${first?.port}`, '--namespace', 'shop'];
    const some = entries.slice(0, 20).map(([key]) => key);
    expect(await jsonOfCli([...args, ...some])).toMatchObject({ removed: 20 });
    await forgets(cache, 'k3');
    expect((await cache.getMany(entries.map(([key]) => key))).size).toBe(20);
  }, 60_000);

  it('does nothing that was not said twice, and nothing by omission', async () => {
    const url = sharedRedisUrl();
    for (const args of [[], ['--all'], ['--all', '--yes', 'a'], ['--all', '--yes', '--tag', 't']]) {
      const run = await runCli(['invalidate', '--url', url, ...args]);
      expect(run, args.join(' ')).toMatchObject({ code: 2, stdout: '' });
    }
  }, 60_000);
});

describe('tiercel dead-letters', () => {
  it('lists, has tried again, and gives up what the database refused', async () => {
    await using redis = await startRedis();
    await using opened = new Opened();
    const cache = createCache({ redis: { url: redis.url, ...PATIENT }, namespace: 'shop' });
    opened.add(() => cache.close());
    const table = new Map<number, unknown>();
    let refuses = true;
    const orders = cache.namespace('eu').resource('orders', {
      load: async (id: number) => table.get(id),
      save: async (id: number, value: unknown) => {
        if (refuses) throw new Error('the table is locked');
        table.set(id, value);
      },
      write: 'behind',
      behind: { maxAttempts: 1, lease: '300ms' },
    });
    const args = ['--url', redis.url];
    const list = async (): Promise<Letter[]> => {
      const { letters } = await jsonOfCli<{ letters: Letter[] }>(['dead-letters', 'list', ...args]);
      return letters;
    };
    expect(await list()).toEqual([]);
    for (const id of [1, 2, 3]) await orders.save(id, { total: id });
    await eventually('the writes to be dead', async () => (await list()).length === 3, 20_000);
    const letters = await list();
    for (const { queue, namespace, kind, error } of letters) {
      expect({ queue, namespace, kind }).toEqual({ queue: 'orders', namespace: 'shop:eu', kind: 'save' });
      expect(error).toContain('the table is locked');
    }
    const [first, second, third] = letters.toSorted((a, b) => Number(a.id) - Number(b.id));
    expect(first?.shown).toBe('{ total: 1 }');

    const queue = [...args, '--queue', 'orders'];
    const unsure = await runCli(['dead-letters', 'drop', first?.letter ?? '', ...queue]);
    expect(unsure).toMatchObject({ code: 2, stdout: '' });
    expect(await list()).toHaveLength(3);
    const dropped = await jsonOfCli(['dead-letters', 'drop', first?.letter ?? '', '--yes', ...queue]);
    expect(dropped).toEqual({ dropped: 1 });
    expect(await jsonOfCli(['dead-letters', 'drop', first?.letter ?? '', '--yes', ...queue], 1)).toEqual({
      gone: 1,
    });

    refuses = false;
    expect(await jsonOfCli(['dead-letters', 'replay', second?.letter ?? '', ...queue])).toEqual({
      replayed: 1,
    });
    await eventually('the database to have it', () => table.has(2));
    expect(await jsonOfCli(['dead-letters', 'replay', '--all', ...queue])).toEqual({ replayed: 1 });
    await eventually('the database to have it', () => table.has(3));
    expect(table).toEqual(
      new Map([
        [2, { total: 2 }],
        [3, { total: 3 }],
      ]),
    );
    expect(third).toBeDefined();
    expect(await list()).toEqual([]);
  }, 90_000);

  it('says which queue is meant where several have the name, and where there is none', async () => {
    await using redis = await startRedis();
    await redis.cli('HSET', '{shop:%behind::orders:0}meta', 'sequence', '1');
    await redis.cli('HSET', '{blog:%behind::orders:0}meta', 'sequence', '1');
    const args = ['dead-letters', 'replay', '--all', '--url', redis.url];
    const several = await runCli([...args, '--queue', 'orders']);
    expect(several.code).toBe(2);
    expect(several.stderr).toContain("'orders' of blog, 'orders' of shop");
    const one = await runCli([...args, '--queue', 'orders', '--namespace', 'shop']);
    expect(one).toMatchObject({ code: 0, stdout: 'There are none.\n' });
    const none = await runCli([...args, '--queue', 'others']);
    expect(none.code).toBe(1);
    expect(none.stderr).toContain("there is no queue 'others'");
    expect((await runCli(args)).stderr).toContain('--queue is missing');
  }, 60_000);
});
