import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BatchCacheManager, type BatchOperation, type BatchTarget } from 'tiercel';
import { waysToCluster, waysToRedis, type WayToRedis } from '../support/clients.js';
import { eventually } from '../support/eventually.js';
import { Opened } from '../support/open-cache.js';
import { placeOf } from '../support/place.js';
import { redisCli, type RedisCli } from '../support/redis-cli.js';
import { sharedRedisUrl, uniquePrefix } from '../support/redis.js';

const targets = ['client', 'cache'] as const;
const cases = [...waysToRedis, ...waysToCluster].flatMap((way) =>
  targets.map((over) => ({ name: way.name, over, way })),
);

describe.each(cases)('a batch over a $over over $name', ({ over, way }: (typeof cases)[number]) => {
  const suite = new Opened();
  let cli: RedisCli;
  let url: string;
  const root = uniquePrefix();
  let shared: BatchTarget & { namespace(name: string): BatchTarget };
  let target: BatchTarget;
  let prefix: string;
  let batch: BatchCacheManager;

  beforeAll(async () => {
    url = await placeOf(way);
    cli = redisCli(url);
    shared = await suite[over](way, url, { namespace: root, ttl: '1h' });
  });
  afterAll(() => suite.close());
  beforeEach(() => {
    const name = uniquePrefix();
    target = shared.namespace(name);
    prefix = `${root}:${name}::`;
    batch = new BatchCacheManager(target, { batchSize: 10 });
  });
  afterEach(() => batch.close());

  it('writes, reads and removes, each operation with its own answer', async () => {
    await target.set('old', 'stays');
    await target.set('gone', 1);
    const answers = [
      batch.batchSet('user:1', { name: 'Ada' }),
      batch.batchGet('old'),
      batch.batchGet('none'),
      batch.batchDelete('gone'),
      batch.batchDelete('none'),
      batch.batchSet('falsy', null),
    ];
    await batch.flush();
    expect(await Promise.all(answers)).toEqual([undefined, 'stays', undefined, true, false, undefined]);
    expect(await target.get('user:1')).toEqual({ name: 'Ada' });
    expect(await target.get('falsy')).toBeNull();
    expect(await target.get('gone')).toBeUndefined();
  });

  it('gives each entry its own ttl', async () => {
    void batch.batchSet('short', 1, { ttl: '10s' });
    void batch.batchSet('long', 1, { ttl: '2h' });
    await batch.flush();
    const [short, long] = [await cli.pttl(`${prefix}short`), await cli.pttl(`${prefix}long`)];
    expect(short).toBeGreaterThan(5_000);
    expect(short).toBeLessThanOrEqual(10_000);
    expect(long).toBeGreaterThan(6_000_000);
  });

  it('keeps the order of what is done to one key', async () => {
    await target.set('k', 'before');
    const seen = [batch.batchGet('k')];
    void batch.batchSet('k', 1);
    seen.push(batch.batchGet('k'));
    void batch.batchDelete('k');
    seen.push(batch.batchGet('k'));
    void batch.batchSet('k', 2);
    seen.push(batch.batchGet('k'));
    await batch.flush();
    expect(await Promise.all(seen)).toEqual(['before', 1, undefined, 2]);
    expect(await target.get('k')).toBe(2);
  });

  it('lets a value that cannot be stored fail alone', async () => {
    const good = [batch.batchSet('a', 1), batch.batchSet('z', 26)];
    const bad = batch.batchSet('m', () => 'a function');
    await batch.flush();
    await Promise.all(good);
    await expect(bad).rejects.toMatchObject({ code: 'TIERCEL_ENCODE', key: 'm' });
    expect([await target.get('a'), await target.get('m'), await target.get('z')]).toEqual([1, undefined, 26]);
  });

  it('is not disturbed by a key of another type among its own', async () => {
    for (const key of ['read', 'written', 'removed']) await cli.raw('RPUSH', `${prefix}${key}`, 'a');
    const answers = [
      batch.batchSet('a', 1),
      batch.batchGet('read'),
      batch.batchSet('written', 2),
      batch.batchDelete('removed'),
      batch.batchSet('z', 26),
    ];
    const { notDone, unknown } = await batch.flush();
    expect([notDone, unknown]).toEqual([0, 0]);
    expect(await Promise.all(answers)).toEqual([undefined, undefined, undefined, true, undefined]);
    expect(await cli.text('TYPE', `${prefix}read`)).toBe('list');
    expect(await target.get('written')).toBe(2);
    expect(await cli.raw('EXISTS', `${prefix}removed`)).toBe(0);
  });

  it('carries out a stream, and drains what waits when it is closed', async () => {
    const rows = function* (): Generator<BatchOperation> {
      for (let i = 0; i < 500; i++) yield { type: 'set', key: `row:${i}`, value: { i } };
      for (let i = 0; i < 250; i++) yield { type: 'delete', key: `row:${i}` };
    };
    expect(await batch.run(rows())).toMatchObject({ given: 750, done: 750 });
    for (let i = 250; i < 500; i++) void batch.batchDelete(`row:${i}`);
    void batch.batchSet('last', 1);
    expect(await batch.close()).toMatchObject({ notDone: 0, unknown: 0, waiting: 0 });
    expect(await target.get('row:300')).toBeUndefined();
    expect(await target.get('last')).toBe(1);
  });
});

describe('a batch over a cache', () => {
  const suite = new Opened();
  afterAll(() => suite.close());

  it('changes what other processes have in memory, and is not undone by a load under way', async () => {
    const options = { namespace: uniquePrefix(), ttl: '1h' } as const;
    const [way] = waysToRedis as readonly [WayToRedis];
    const mine = await suite.cache(way, sharedRedisUrl(), options);
    const theirs = await suite.cache(way, sharedRedisUrl(), options);
    const batch = new BatchCacheManager(mine);
    await mine.set('k', 'old');
    await theirs.get('k');
    await eventually('a copy there', () => theirs.peek('k') === 'old');
    void batch.batchSet('k', 'new', { tags: ['t'] });
    await batch.flush();
    await eventually('the copy to go', () => theirs.peek('k') === undefined);
    expect(await theirs.get('k')).toBe('new');

    const loaded = theirs.getOrSet('cold', async () => {
      void batch.batchDelete('cold');
      await batch.flush();
      return 'read before the delete';
    });
    await loaded;
    await theirs.close();
    expect(await mine.get('cold')).toBeUndefined();
    await batch.close();
  });
});
