import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { BatchCacheManager, CacheClient, createCache, type BatchOperation } from 'tiercel';
import { redisCli } from '../support/redis-cli.js';
import { startRedis } from '../support/redis.js';
import { FaultProxy } from 'tiercel/testing';
import { unhandledRejections } from '../support/unhandled-rejections.js';

const NAMESPACE = 'shop';
const large = 'x'.repeat(200_000);

describe('a batch', () => {
  it('whose Redis is full in the middle of it tells which writes did not happen', async () => {
    await using server = await startRedis({ config: { maxmemory: '4mb', 'maxmemory-policy': 'noeviction' } });
    await using client = await CacheClient.connect(server.url, { namespace: NAMESPACE });
    await client.set('there', 1);
    const batch = new BatchCacheManager(client, { concurrency: 1 });
    const results: string[] = [];
    const operations = function* (): Generator<BatchOperation> {
      for (let i = 0; i < 40; i++) yield { type: 'set', key: `large:${i}`, value: large + i };
      yield { type: 'delete', key: 'there' };
      yield { type: 'get', key: 'large:0' };
    };
    const summary = await batch.run(operations(), {
      onResult: ({ operation, outcome, error }) => {
        results.push(`${operation.key} ${outcome}`);
        if (error) expect(error).toMatchObject({ code: 'TIERCEL_SERVER', key: operation.key });
      },
    });
    expect(summary).toMatchObject({ given: 42, unknown: 0 });
    expect(summary.notDone).toBeGreaterThan(10);
    expect(summary.done).toBeGreaterThan(5);
    const cli = redisCli(server.url);
    for (let i = 0; i < 40; i++) {
      const exists = (await cli.raw('EXISTS', `${NAMESPACE}::large:${i}`)) === 1;
      expect(results).toContain(`large:${i} ${exists ? 'done' : 'not-done'}`);
    }
    expect(results).toContain('there done');
    expect(results).toContain('large:0 done');
  });

  it.each(['client', 'cache'] as const)(
    'over a %s whose Redis dies between write and answer says that it is unknown, and of the rest that nothing happened',
    async (over) => {
      await using server = await startRedis();
      const redis = { url: server.url, commandTimeout: '5s', maxRetries: 1 } as const;
      await using target =
        over === 'client'
          ? await CacheClient.connect(redis, { namespace: NAMESPACE })
          : createCache({ redis, namespace: NAMESPACE });
      await target.set('warm', 1);
      const batch = new BatchCacheManager(target, { batchSize: 10, concurrency: 1 });
      const seen = await unhandledRejections(async () => {
        await server.freeze();
        for (let i = 0; i < 20; i++) void batch.batchSet(`k${i}`, i);
        const flushed = batch.flush();
        await turn();
        await turn();
        await server.kill();
        const summary = await flushed;
        expect(summary).toMatchObject({ given: 20, done: 0, unknown: 10, notDone: 10 });
        expect(new Set(summary.failures.map(({ key, outcome }) => `${key} ${outcome}`))).toEqual(
          new Set(Array.from({ length: 20 }, (_, i) => `k${i} ${i < 10 ? 'unknown' : 'not-done'}`)),
        );
      });
      expect(seen).toEqual([]);
    },
  );

  it('whose answers are lost settles by the deadline, as unknown, and what follows at once', async () => {
    await using server = await startRedis();
    await using proxy = await FaultProxy.to(server.port);
    await using client = await CacheClient.connect({ url: proxy.url, commandTimeout: '200ms' });
    const batch = new BatchCacheManager(client, { batchSize: 100, concurrency: 1 });
    await client.set('warm', 1);
    proxy.blackHole();
    const began = performance.now();
    for (let i = 0; i < 1000; i++) void batch.batchSet(`k${i}`, i);
    const summary = await batch.close();
    expect(summary).toMatchObject({ given: 1000, done: 0, unknown: 100, notDone: 900 });
    expect(
      summary.failures.every(({ error }) => (error as { code: string }).code === 'TIERCEL_DEADLINE'),
    ).toBe(true);
    expect(performance.now() - began).toBeLessThan(3000);
  });

  it('that is closed with a full queue writes all of it', async () => {
    await using server = await startRedis();
    await using client = await CacheClient.connect({ url: server.url, commandTimeout: '10s' });
    const batch = new BatchCacheManager(client);
    const given = Array.from({ length: 10_000 }, (_, i) => batch.batchSet(`k${i}`, i));
    await expect(batch.batchSet('one more', 1)).rejects.toMatchObject({ code: 'TIERCEL_OVERLOADED' });
    expect(await batch.close()).toMatchObject({ given: 10_001, done: 10_000, notDone: 1 });
    await Promise.all(given);
    expect(await server.cli('DBSIZE')).toBe(10_000);
  });
});
