import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';

export { startRedis, type RedisServer } from '../../servers/redis.js';
export { createCertificate } from '../../servers/certificate.js';

/** The server that all suites share. Never flush, stop or reconfigure it: start your own for that. */
export function sharedRedisUrl(): string {
  return inject('redisUrl');
}

/** A namespace nobody else uses, so that suites on the shared server do not see each other's keys. */
export function uniquePrefix(): string {
  return `t${randomBytes(6).toString('hex')}`;
}
