import { afterEach, describe, expect, it, vi } from 'vitest';
import { createCache, type CacheManager, type CacheOptions } from 'tiercel';
import { deferred } from '../../servers/deferred.js';
import { KeySpace } from '../../src/client/key-space.js';
import { PlainSerializer } from '../../src/codec/plain.js';
import { PlainTier } from '../../src/layers/plain-tier.js';
import { openPort } from '../../src/redis/open-port.js';
import { eventually } from '../support/eventually.js';
import { Opened, PATIENT } from '../support/open-cache.js';
import { redisCli } from '../support/redis-cli.js';
import { sharedRedisUrl, uniquePrefix } from '../support/redis.js';
import { FaultProxy } from 'tiercel/testing';

const cli = redisCli(sharedRedisUrl());
const opened = new Opened();
afterEach(() => opened.close());

async function open(namespace: string, options: CacheOptions = {}): Promise<CacheManager> {
  const redis = { url: sharedRedisUrl(), ...PATIENT };
  const cache = createCache({ redis, namespace, format: 'plain', ttl: '1h', ...options });
  opened.add(() => cache.close());
  await cache.ready();
  return cache;
}

/** A load that has read the old row, and comes back with it when told to. */
async function loadOfOldRow(cache: CacheManager, key = 'k'): Promise<{ finish: () => Promise<unknown> }> {
  const [began, go] = [deferred<undefined>(), deferred<undefined>()];
  const answer = cache.getOrSet(key, async () => {
    began.resolve(undefined);
    await go.promise;
    return 'old';
  });
  await began.promise;
  return {
    finish: () => {
      go.resolve(undefined);
      return answer;
    },
  };
}

describe('values of format plain', () => {
  it('are bare JSON under the key, and expire by themselves', async () => {
    const namespace = uniquePrefix();
    const cache = await open(namespace);
    const value = { name: 'Ada', list: [1, null, true, 'é'] };
    await cache.set('set', value);
    expect(await cache.getOrSet<unknown>('loaded', () => value, { ttl: '5m', jitter: 0 })).toEqual(value);
    await eventually('the fill', () => cache.has('loaded'));
    for (const key of ['set', 'loaded']) {
      expect(await cli.text('GET', `${namespace}::${key}`)).toBe(JSON.stringify(value));
    }
    expect(await cli.pttl(`${namespace}::loaded`)).toBeLessThanOrEqual(300_000);
    expect(await cli.pttl(`${namespace}::loaded`)).toBeGreaterThan(290_000);
    expect(await cli.text('KEYS', `%lease*${namespace}*`)).toEqual([]);
    expect(await cache.ttl('set')).toBeGreaterThan(3_000_000);
    expect(await cache.expire('set', '1m')).toBe(true);
    expect(await cli.pttl(`${namespace}::set`)).toBeLessThanOrEqual(60_000);
    expect(await cache.expire('set', Infinity)).toBe(true);
    expect(await cli.pttl(`${namespace}::set`)).toBe(-1);
    expect(await cache.expire('none', '1m')).toBe(false);
    expect(await cache.delete('set')).toBe(true);
    expect(await cache.delete('set')).toBe(false);
  });

  it('are read as other programs wrote them, whole keys too', async () => {
    const name = uniquePrefix();
    const cache = await open('');
    await cli.raw('SET', `${name}:1`, '{"id": 1,\n "name":"Ada"}', 'PX', '60000');
    await cli.raw('SET', `${name}:2`, 'null');
    const load = vi.fn(() => 'loaded');
    expect(await cache.getOrSet(`${name}:1`, load)).toEqual({ id: 1, name: 'Ada' });
    expect(await cache.getOrSet(`${name}:2`, load)).toBeNull();
    expect(await cache.getMany([`${name}:1`, `${name}:2`])).toEqual(
      new Map<string, unknown>([
        [`${name}:1`, { id: 1, name: 'Ada' }],
        [`${name}:2`, null],
      ]),
    );
    expect(load).not.toHaveBeenCalled();
    expect(cache.peek(`${name}:1`)).toEqual({ id: 1, name: 'Ada' });
    await cli.raw('SET', `${name}:1`, '{"id":1,"name":"Grace"}');
    await eventually('the news', async () => cache.peek(`${name}:1`) === undefined);
    expect(await cache.get(`${name}:1`)).toEqual({ id: 1, name: 'Grace' });
    await cache.deleteMany([`${name}:1`, `${name}:2`]);
  });

  it('that are no JSON are a miss, counted, and replaced', async () => {
    const namespace = uniquePrefix();
    const cache = await open(namespace);
    for (const [i, junk] of ['{', '', 'text', Buffer.from([0xc1, 1, 0, 2])].entries()) {
      await cli.raw('SET', `${namespace}::${i}`, junk);
      cache.metrics.reset();
      expect(await cache.get(String(i))).toBeUndefined();
      expect(cache.stats().counters.errors).toBe(1);
      expect(await cache.getOrSet(String(i), () => i)).toBe(i);
      await eventually('the value', async () => (await cli.text('GET', `${namespace}::${i}`)) === String(i));
    }
    await cli.raw('RPUSH', `${namespace}::list`, 'a');
    expect(await cache.getOrSet('list', () => 1)).toBe(1);
  });

  it('are refused where JSON would change them, or where they were to bear what they have no room for', async () => {
    const cache = await open(uniquePrefix());
    await expect(cache.set('k', { when: new Date() })).rejects.toMatchObject({ code: 'TIERCEL_ENCODE' });
    expect(await cache.getOrSet('k', () => ({ big: 1n }))).toEqual({ big: 1n });
    expect(await cache.getOrSet('tagged', (ctx) => (ctx.setTags(['a']), 1))).toBe(1);
    for (const options of [{ tags: ['a'] }, { staleIfError: '1m' }, { compression: true }] as const) {
      await expect(cache.set('k', 1, options)).rejects.toMatchObject({ code: 'TIERCEL_INVALID_OPTION' });
    }
    await expect(cache.getOrSet('a}b', () => 1)).rejects.toMatchObject({ code: 'TIERCEL_INVALID_KEY' });
    expect(await cache.getOrSet('{a}b', () => 1)).toBe(1);
    expect(() => createCache({ format: 'plain', staleWhileRevalidate: '1m' })).toThrow(
      'staleWhileRevalidate',
    );
    expect(() => createCache({ format: 'bare' as 'plain' })).toThrow("'bare'");
    await eventually('no lease', async () => !(await cache.has('tagged')));
  });

  it('belong to a namespace, beside entries', async () => {
    const name = uniquePrefix();
    const cache = await open(name, { format: 'entry', staleIfError: '1h', tags: ['all'] });
    const plain = cache.namespace('plain', { format: 'plain' });
    const within = plain.namespace('within');
    const back = plain.namespace('back', { format: 'entry' });
    for (const each of [cache, plain, within, back]) await each.set('k', { a: 1 });
    const isPlain = async (key: string): Promise<boolean> => (await cli.bytes(key))[0] === 0x7b;
    expect(await isPlain(`${name}::k`)).toBe(false);
    expect(await isPlain(`${name}:plain::k`)).toBe(true);
    expect(await isPlain(`${name}:plain:within::k`)).toBe(true);
    expect(await isPlain(`${name}:plain:back::k`)).toBe(false);
  });
});

describe('P1 with format plain', () => {
  it('one load runs over processes, for plain keys and keys with a hash tag, and the others share its value', async () => {
    const namespace = uniquePrefix();
    const caches = await Promise.all([1, 2, 3, 4].map(() => open(namespace)));
    for (const key of ['k', '{tag}:k', '}{k'.slice(1)]) {
      const loaded = deferred<string>();
      const load = vi.fn(() => loaded.promise);
      const answers = caches.flatMap((cache) => [cache.getOrSet(key, load), cache.getOrSet(key, load)]);
      await eventually('the load', () => load.mock.calls.length > 0);
      await new Promise((resolve) => setTimeout(resolve, 100));
      loaded.resolve('value');
      expect(new Set(await Promise.all(answers))).toEqual(new Set(['value']));
      expect(load).toHaveBeenCalledOnce();
    }
  });

  it('a load that fails lets the next process try, and one that dies is replaced', async () => {
    const namespace = uniquePrefix();
    const [one, two] = await Promise.all([open(namespace), open(namespace)]);
    const [began, go] = [deferred<undefined>(), deferred<undefined>()];
    const failing = one.getOrSet('k', async () => {
      began.resolve(undefined);
      await go.promise;
      throw new Error('no');
    });
    await began.promise;
    const next = two.getOrSet('k', () => 'second');
    go.resolve(undefined);
    await expect(failing).rejects.toThrow('no');
    expect(await next).toBe('second');
    await cli.raw('SET', `%lease:{${namespace}::dead}`, 'somebody who is no more', 'PX', '300');
    const asked = performance.now();
    expect(await one.getOrSet('dead', () => 'third')).toBe('third');
    expect(performance.now() - asked).toBeGreaterThan(200);
  });

  it('a value that arrived before the lease was taken is taken, and the lease given back', async () => {
    const namespace = uniquePrefix();
    const port = openPort({ url: sharedRedisUrl(), ...PATIENT });
    opened.add(() => port.close());
    await port.connect();
    const serializer = new PlainSerializer(() => port.serverNow());
    const keys = KeySpace.of(namespace);
    const tier = new PlainTier({ port, keys, serializer, onUnreadable: () => undefined });
    await cli.raw('SET', `${namespace}::k`, '"theirs"');
    expect(await tier.lease('k', 1000, tier.deadline())).toMatchObject({ kind: 'value', value: 'theirs' });
    expect(await cli.raw('EXISTS', `%lease:{${namespace}::k}`)).toBe(0);
  });
});

describe('P2 with format plain', () => {
  const invalidations: ReadonlyArray<
    readonly [string, (here: CacheManager, there: CacheManager, redisKey: string) => Promise<unknown>]
  > = [
    ['a delete in this process', (here) => here.delete('k')],
    ['a delete in another', (_, there) => there.delete('k')],
    ['a set in this process', (here) => here.set('k', 'new')],
    ['a set in another', (_, there) => there.set('k', 'new')],
    ['a SET by another program', (_here, _there, key) => cli.raw('SET', key, '"new"')],
    ['a DEL of key and lease by another program', (_h, _t, key) => cli.raw('DEL', key, `%lease:{${key}}`)],
  ];

  it.each(invalidations)('what was loaded before %s is not stored after it', async (_, invalidate) => {
    const namespace = uniquePrefix();
    const [here, there] = await Promise.all([open(namespace), open(namespace)]);
    const load = await loadOfOldRow(here);
    await invalidate(here, there, `${namespace}::k`);
    await load.finish();
    for (const cache of [here, there]) {
      expect(cache.peek('k')).not.toBe('old');
      expect(await cache.get('k')).not.toBe('old');
    }
    expect(await cli.text('GET', `${namespace}::k`)).not.toBe('"old"');
  });

  it.each(invalidations)('who asks after %s has nothing of a load before it', async (_, invalidate) => {
    const namespace = uniquePrefix();
    const [here, there] = await Promise.all([open(namespace), open(namespace)]);
    const load = await loadOfOldRow(here);
    await invalidate(here, there, `${namespace}::k`);
    await eventually('the news', async () => {
      const asked = here.getOrSet('k', () => 'new');
      const waited = new Promise((resolve) => setTimeout(resolve, 20));
      return (await Promise.race([asked, waited])) === 'new';
    });
    await load.finish();
    expect(await here.get('k')).toBe('new');
  });

  it('what was loaded before a clear in another process is not stored after it', async () => {
    const namespace = uniquePrefix();
    const [here, there] = await Promise.all([open(namespace), open(namespace)]);
    await there.set('other', 1);
    const load = await loadOfOldRow(here);
    await there.clear();
    await load.finish();
    expect(await there.get('k')).toBeUndefined();
    expect(await there.get('other')).toBeUndefined();
    expect(await cli.raw('EXISTS', `${namespace}::k`)).toBe(0);
  });

  it('a delete that could not be told to Redis ends the loads of others once it can', async () => {
    const namespace = uniquePrefix();
    const proxy = await FaultProxy.to(Number(new URL(sharedRedisUrl()).port));
    opened.add(() => proxy.close());
    const here = await open(namespace, { redis: { url: proxy.url, commandTimeout: '200ms' } });
    const there = await open(namespace);
    const load = await loadOfOldRow(there);
    proxy.blackHole();
    await expect(here.delete('k')).rejects.toMatchObject({ code: 'TIERCEL_DEADLINE' });
    await eventually('the delete', async () => (await cli.raw('EXISTS', `%lease:{${namespace}::k}`)) === 0);
    await load.finish();
    expect(await cli.raw('EXISTS', `${namespace}::k`)).toBe(0);
  });
});
