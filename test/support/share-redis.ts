import type { TestProject } from 'vitest/node';
import { provisionRedis, redisUrlFromEnvironment } from '../../servers/provision/redis.js';
import { decodeReply, rawAddress, rawCommand } from '../../servers/raw-redis.js';
import { startRedis } from '../../servers/redis.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The Redis that all suites of a run share. */
    redisUrl: string;
  }
}

type Teardown = () => Promise<void>;

/** Asks the user's server for its version, so that a wrong address fails the run at its start and says why. */
async function useServerOf(url: string): Promise<string> {
  const address = rawAddress(url);
  const where = `${address.host}:${address.port}`;
  try {
    const info = String(decodeReply(await rawCommand(address, ['INFO', 'server'])));
    return `${/^redis_version:(?<version>\S+)/m.exec(info)?.groups?.['version'] ?? 'unknown version'} at ${where}`;
  } catch (error) {
    throw new Error(`TIERCEL_REDIS_URL names a Redis at ${where} that cannot be used: ${String(error)}`, {
      cause: error,
    });
  }
}

async function describeOwn(): Promise<string> {
  try {
    return (await provisionRedis()).describe();
  } catch (error) {
    // Suites that only share the user's server can still run; the others fail with the whole of this error.
    return `nothing, and fail (${String(error).split('\n')[0]})`;
  }
}

/** Brings up the Redis the suites share, or fails the run. */
export default async function setup(project: TestProject): Promise<Teardown> {
  const url = redisUrlFromEnvironment();
  if (url !== undefined) {
    const shared = await useServerOf(url);
    const own = await describeOwn();
    console.log(
      `Redis: suites share TIERCEL_REDIS_URL (${shared}); those that stop or freeze servers start ${own}`,
    );
    project.provide('redisUrl', url);
    return async () => undefined;
  }
  const server = await startRedis();
  console.log(`Redis: ${server.binary.describe()}, on port ${server.port}`);
  project.provide('redisUrl', server.url);
  return async () => server.stop();
}
