import { createCache, type CacheManager, type CacheOptions, type RedisTimingOptions } from 'tiercel';
import { CacheClient, type CacheClientOptions } from 'tiercel';
import type { WayToRedis } from './clients.js';

/** Deadlines of suites that are not about them: the machine may be busy with other things. */
export const PATIENT: RedisTimingOptions = { commandTimeout: '5s' };

/** What a suite opened and must close, in the order opened. */
export class Opened implements AsyncDisposable {
  readonly #closers: Array<() => unknown> = [];

  add(close: () => unknown): void {
    this.#closers.push(close);
  }

  async cache(
    way: WayToRedis,
    url: string,
    options: Omit<CacheOptions, 'redis'>,
    timing: RedisTimingOptions = PATIENT,
  ): Promise<CacheManager> {
    const { redis, end } = await way.open(url, timing);
    const cache = createCache({ redis, ...options });
    this.#closers.push(async () => {
      await cache.close();
      end();
    });
    await cache.ready();
    return cache;
  }

  async client(
    way: WayToRedis,
    url: string,
    options: CacheClientOptions,
    timing: RedisTimingOptions = PATIENT,
  ): Promise<CacheClient> {
    const { redis, end } = await way.open(url, timing);
    const client = await CacheClient.connect(redis, options);
    this.#closers.push(async () => {
      await client.close();
      end();
    });
    return client;
  }

  async close(): Promise<void> {
    for (const close of this.#closers.splice(0)) await close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
