import {
  decodeReply,
  rawAddress,
  rawCommand,
  RawError,
  type RawReply,
  type TextReply,
} from '../../servers/raw-redis.js';

/** Talks to the server at the URL without any client library, as somebody else would. */
export interface RedisCli {
  /** One command; its reply as text. */
  text(...args: ReadonlyArray<string | Buffer>): Promise<TextReply>;
  /** One command; its reply with bulk strings as Buffers. */
  raw(...args: ReadonlyArray<string | Buffer>): Promise<RawReply>;
  /** The bytes of a string key. Fails where there are none. */
  bytes(key: string): Promise<Buffer>;
  /** Milliseconds the key has left, as Redis puts it: -1 for ever, -2 for no key. */
  pttl(key: string): Promise<number>;
}

export function redisCli(url: string): RedisCli {
  const address = rawAddress(url);
  const raw: RedisCli['raw'] = async (...args) => {
    try {
      return await rawCommand(address, args);
    } catch (error) {
      // On a Cluster, as `redis-cli -c` would.
      const moved = error instanceof RawError ? /^MOVED \d+ (.*):(\d+)$/.exec(error.message) : null;
      if (!moved) throw error;
      return rawCommand({ ...address, host: moved[1] || address.host, port: Number(moved[2]) }, args);
    }
  };
  return {
    raw,
    text: async (...args) => decodeReply(await raw(...args)),
    async bytes(key) {
      const reply = await raw('GET', key);
      if (Buffer.isBuffer(reply)) return reply;
      throw new Error(`there is no string under '${key}'`);
    },
    pttl: async (key) => Number(await raw('PTTL', key)),
  };
}
