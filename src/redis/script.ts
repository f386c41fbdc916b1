import { createHash } from 'node:crypto';
import type { Command, CommandArgument, RedisPort, Reply } from './port.js';
import { answersWith } from './reply-error.js';

/**
 * A Lua script about one key, or keys that live together. Sent by its digest; the text follows only where the server does
 * not know it (a restarted or newly promoted one).
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
