import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { deferred } from './deferred.js';

/*
 * Below the range from which Linux takes the local ports of outgoing connections (32768 and up). A port of that range
 * can be lost while a killed server is down: to any connection, and even to a client that keeps dialling it, because
 * TCP lets a socket connect to itself. The bus of a cluster node, 10,000 higher, stays below the range as well.
 */
const lowest = 10_240;
const highest = 22_000;

const handedOut = new Set<number>();

async function isFree(port: number, host: string): Promise<boolean> {
  const probe = createServer();
  const { promise, resolve } = deferred<boolean>();
  probe.once('error', () => resolve(false));
  probe.listen({ port, host, exclusive: true }, () => probe.close(() => resolve(true)));
  return promise;
}

/**
 * A port nobody listens on now. Two calls in one process never get the same one; another process may be faster, so a
 * server that finds its port taken should ask again.
 *
 * @throws Error after 200 ports that were all taken.
 */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = randomInt(lowest, highest);
    if (handedOut.has(port)) continue;
    handedOut.add(port);
    if (await isFree(port, host)) return port;
  }
  throw new Error(`found no free port from ${lowest} to ${highest} on ${host}`);
}
