import type { PortState, RedisPort } from '../../src/redis/port.js';

/** Resolves when the port is in this state, by its own word; the test's time limit is the only clock. */
export function becomes(port: Pick<RedisPort, 'state' | 'onStateChange'>, state: PortState): Promise<void> {
  if (port.state === state) return Promise.resolve();
  return new Promise((resolve) => {
    const stop = port.onStateChange(() => {
      // On a Cluster the change is that of one node, and what it makes of the whole is found out behind it.
      queueMicrotask(() => {
        if (port.state !== state) return;
        stop();
        resolve();
      });
    });
  });
}
