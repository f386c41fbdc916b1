import { attribute, CacheError } from '../errors.js';
import type { PortState, RedisPort } from '../redis/port.js';

/** How one server is. */
export interface ServerHealth {
  /** Whether it answered. */
  readonly healthy: boolean;
  readonly state: PortState;
  /** Never with a password. */
  readonly address: string;
  /** Milliseconds the answer took; undefined when none came. */
  readonly latency: number | undefined;
  /** Why it is not healthy. */
  readonly error: CacheError | undefined;
}

/** Asks each server whether it is there, all at once. Where none is known yet, the port itself says why. Never rejects. */
export function checkServers(port: RedisPort, key: string): Promise<ServerHealth[]> {
  const { servers } = port;
  return Promise.all((servers.length === 0 ? [port] : servers).map((server) => checkServer(server, key)));
}

async function checkServer(server: RedisPort, key: string): Promise<ServerHealth> {
  const began = performance.now();
  let error: CacheError | undefined;
  try {
    await server.send({ key, args: ['PING'] });
  } catch (cause) {
    // What is thrown below and is not ours is a mistake in this package: it must surface as it is.
    if (!(cause instanceof CacheError)) throw cause;
    error = attribute(cause, 'healthCheck');
  }
  return {
    healthy: error === undefined,
    state: server.state,
    address: server.address,
    latency: error ? undefined : performance.now() - began,
    error,
  };
}
