import { CacheError } from '../../errors.js';
import type { Command, RedisPort, Reply } from '../../redis/port.js';
import { KEYS_PER_SCAN, scanPage } from '../../redis/scan.js';
import type { Progress } from '../output/progress.js';

export interface ScanBounds {
  /** Glob of the keys wanted, as SCAN takes it. */
  readonly pattern: string;
  /** Keys of one server that are gone over, whether they match or not. */
  readonly maxKeys: number;
  /** By `performance.now()`. */
  readonly until: number;
  readonly progress?: Progress;
}

/** Keys asked about by one pipeline: few enough that the server is free for others in between. */
const KEYS_PER_PIPELINE = 200;

/** One bounded look over the keys of one server, by SCAN in steps: never blocks it. Each key once. */
export class KeyScan {
  /** All keys that the server had when the look began. */
  databaseKeys = 0;
  /** Whether every key was gone over. */
  complete = false;
  #looked = 0;
  readonly #server: RedisPort;
  readonly #bounds: ScanBounds;

  constructor(server: RedisPort, bounds: ScanBounds) {
    this.#server = server;
    this.#bounds = bounds;
  }

  /** How many keys were gone over so far, about: SCAN tells of those alone that match. */
  get looked(): number {
    return Math.min(this.#looked, this.databaseKeys);
  }

  /** How many keys there are for each that was gone over. */
  get scale(): number {
    return this.complete || this.looked === 0 ? 1 : this.databaseKeys / this.looked;
  }

  async *pages(): AsyncGenerator<Buffer[], void, undefined> {
    const { pattern, maxKeys, until, progress } = this.#bounds;
    this.databaseKeys = Number(await this.#server.send({ key: '', args: ['DBSIZE'] }));
    const expected = Math.min(maxKeys, this.databaseKeys);
    progress?.expect(expected);
    // SCAN may tell of a key more than once.
    const seen = new Set<string>();
    let cursor = '0';
    do {
      const page = await scanPage(this.#server, cursor, pattern);
      cursor = page.cursor;
      const before = Math.min(this.#looked, expected);
      this.#looked += KEYS_PER_SCAN;
      progress?.looked(Math.min(this.#looked, expected) - before);
      this.complete = cursor === '0';
      const fresh: Buffer[] = [];
      for (const given of page.keys) {
        const key = Buffer.from(given);
        const name = key.toString('latin1');
        if (seen.has(name)) continue;
        seen.add(name);
        fresh.push(key);
      }
      if (fresh.length > 0) yield fresh;
    } while (!this.complete && this.#looked < maxKeys && performance.now() < until);
  }
}

/**
 * Asks the same of each key, a few hundred in a pipeline.
 *
 * @param about - the commands for one key, without the key, which follows the name: `['MEMORY', 'USAGE']`.
 * @param until - by `performance.now()`; keys that are left then are not asked about.
 * @returns the replies of each key that was asked about, an error in its command's place.
 */
export async function askOfKeys(
  server: RedisPort,
  keys: readonly Buffer[],
  about: ReadonlyArray<readonly string[]>,
  until = Infinity,
): Promise<Array<ReadonlyArray<Reply | CacheError>>> {
  const answers: Array<ReadonlyArray<Reply | CacheError>> = [];
  for (let start = 0; start < keys.length && performance.now() < until; start += KEYS_PER_PIPELINE) {
    const chunk = keys.slice(start, start + KEYS_PER_PIPELINE);
    const commands = chunk.flatMap((key): Command[] =>
      about.map((words) => ({ key: key.toString(), args: [...words, key] })),
    );
    const replies = await server.sendAll(commands);
    for (let i = 0; i < chunk.length; i++) {
      answers.push(replies.slice(i * about.length, (i + 1) * about.length));
    }
  }
  return answers;
}

/** A number that was asked for; undefined where the key is gone. @throws CacheError where the server refused. */
export function numberIn(reply: Reply | CacheError | undefined): number | undefined {
  if (reply instanceof CacheError) throw reply;
  return reply === null || reply === undefined ? undefined : Number(reply);
}
