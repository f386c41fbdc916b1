import { createHash } from 'node:crypto';
import { CacheError } from '../errors.js';
import type { Command, CommandArgument, RedisPort, Reply } from './port.js';
import { answersWith } from './reply-error.js';

/**
 * A Lua script about one key, or keys that live together. Sent by its digest; the text follows only where the server does
 * not know it (a restarted or newly promoted one).
 *
 * One that changes its first key answers 1 where it did and something else where it did not, and does not read that key behind
 * its own write: see `ownChange`. Whoever wants to be told of what others do to it then reads it by {@link runAndRead}.
 */
export class Script {
  static readonly #known = new Map<string, Script>();
  readonly source: string;
  readonly #digest: string;

  constructor(source: string) {
    this.source = source.trim();
    this.#digest = createHash('sha1').update(this.source).digest('hex');
    Script.#known.set(this.#digest, this);
  }

  /** The script that an `EVALSHA` of this package means. */
  static byDigest(digest: string): Script | undefined {
    return Script.#known.get(digest);
  }

  run(
    port: RedisPort,
    keys: readonly [string, ...string[]],
    args: readonly CommandArgument[],
    deadline: number,
  ): Promise<Reply> {
    return this.runFor(port, keys[0], keys, args, deadline);
  }

  /**
   * The script, and a read behind it, in one pipeline where the server tells of changes: that read is what it tells for.
   * Rejects where the script failed.
   *
   * @returns what the script answered, and what the read found, or why it failed.
   */
  async runAndRead(
    port: RedisPort,
    keys: readonly [string, ...string[]],
    args: readonly CommandArgument[],
    read: readonly CommandArgument[],
    deadline: number,
  ): Promise<[ran: Reply, found: Reply | CacheError]> {
    const key = keys[0];
    if (!port.tracking) {
      const ran = await this.run(port, keys, args, deadline);
      const [found] = await port.sendAll([{ key, args: read }], deadline);
      return [ran, found];
    }
    const ask = (name: string, script: string): Promise<Array<Reply | CacheError>> => {
      const run = { key, args: [name, script, String(keys.length), ...keys, ...args] };
      return port.sendAll([run, { key, args: read }], deadline);
    };
    let [ran, found] = await ask('EVALSHA', this.#digest);
    if (answersWith(ran, 'NOSCRIPT')) [ran, found] = await ask('EVAL', this.source);
    if (ran instanceof CacheError) throw ran;
    return [ran, found];
  }

  /** @param key - what decides where it runs, where the keys are bytes or do not say. */
  async runFor(
    port: RedisPort,
    key: string,
    keys: readonly CommandArgument[],
    args: readonly CommandArgument[],
    deadline: number,
  ): Promise<Reply> {
    const command = (name: string, script: string): Command => ({
      key,
      args: [name, script, String(keys.length), ...keys, ...args],
    });
    try {
      return await port.send(command('EVALSHA', this.#digest), deadline);
    } catch (error) {
      if (!answersWith(error, 'NOSCRIPT')) throw error;
      return port.send(command('EVAL', this.source), deadline);
    }
  }
}
