import { RawError, sendRaw } from '../servers/raw-redis.js';
import type { RedisServer } from '../servers/redis.js';

const HOPS = 8;

/**
 * One command as `redis-cli -c` gives it: to whichever node answers, and from there to wherever it is sent on.
 *
 * @throws Error where no node carried it out, or none said that it did.
 */
export async function clusterCli(nodes: readonly RedisServer[], ...args: string[]): Promise<void> {
  const first = await Promise.any(nodes.map((node) => node.cli('PING').then(() => node)));
  const { host } = first;
  let { port } = first;
  let asks = false;
  for (let hop = 0; hop < HOPS; hop++) {
    const replies = await sendRaw({ host, port }, asks ? [['ASKING'], args] : [args]);
    const reply = replies.at(-1);
    if (!(reply instanceof RawError)) return;
    const redirection = /^(MOVED|ASK) \d+ .*:(\d+)$/.exec(reply.message);
    if (!redirection) throw reply;
    asks = redirection[1] === 'ASK';
    port = Number(redirection[2]);
  }
  throw new Error(`${args.join(' ')} was sent on ${HOPS} times`);
}
