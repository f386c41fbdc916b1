import { describe, expect, it } from 'vitest';
import { createCache } from 'tiercel';
import { eventually } from '../support/eventually.js';
import { startRedis } from '../support/redis.js';

/** Far longer than the test: whatever is served for so long is stale. */
const MAX_STALE = 30_000;

describe('a key whose invalidation Redis was not told yet, over a link that is well', () => {
  it('is loaded, and no copy is kept of it of whose changes nobody would tell', async () => {
    await using server = await startRedis();
    const open = (): ReturnType<typeof createCache> =>
      createCache({ redis: server.url, namespace: 'shop', ttl: '1h', maxStaleWhenDisconnected: MAX_STALE });
    await using here = open();
    await using there = open();
    await Promise.all([here.ready(), there.ready()]);
    let row = 'first';
    const read = (): Promise<string> => here.getOrSet('k', async () => row);
    await read();

    // Reads are answered, which is a link that is well; nothing may be removed, so that there is something left to be told.
    await server.cli('ACL', 'SETUSER', 'default', '-del', '-unlink', '-eval', '-evalsha');
    row = 'second';
    await expect(here.delete('k')).rejects.toMatchObject({ code: 'TIERCEL_AUTHENTICATION' });
    expect(await read()).toBe('second');
    expect(here.stats()).toMatchObject({ state: 'ready', named: { gauges: { 'recovery.pending': 1 } } });
    await server.cli('ACL', 'SETUSER', 'default', '+@all');
    await eventually('Redis is told', async () => here.stats().named.gauges['recovery.pending'] === 0);

    row = 'third';
    await there.delete('k');
    await eventually('the change is seen here', async () => (await read()) === 'third');
  });
});
