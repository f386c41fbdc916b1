import type { PortState, RedisPort } from '../../src/redis/port.js';

/** Resolves when the port is in this state, by its own word; the test's time limit is the only clock. */
export function becomes(port: Pick<RedisPort, 'state' | 'onStateChange'>, state: PortState): Promise<void> {
  if (port.state === state) return Promise.resolve();
  return new Promise((resolve) => {
    const stop = port.onStateChange((change) => {
      if (change.state !== state) return;
      stop();
      resolve();
    });
  });
}
