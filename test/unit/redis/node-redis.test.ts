import { describe, expect, it } from 'vitest';
import { nodeRedisDriver } from '../../../src/redis/drivers/node-redis.js';
import { serverAddress } from '../../../src/redis/options.js';

describe('the driver of @redis/client', () => {
  it('begins nothing for an attempt that was given up before', async () => {
    const driver = nodeRedisDriver(serverAddress({ host: '127.0.0.1', port: 1 }), false);
    const reason = new Error('given up');
    await expect(driver.open(AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});
