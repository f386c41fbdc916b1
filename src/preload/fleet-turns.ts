import { randomBytes } from 'node:crypto';
import type { KeySpace } from '../client/key-space.js';
import type { RedisPort } from '../redis/port.js';
import { replyText } from '../redis/reply-text.js';
import { Script } from '../redis/script.js';

/** Whether this process is to run a turn. */
export type TurnClaim =
  | 'ours'
  /** It was run, by whomever. */
  | 'done'
  /** Another process is at it. */
  | 'taken';

/** KEYS done lease; ARGV turn token lease-ms. */
const CLAIM = new Script(`
local done = redis.call('GET', KEYS[1])
if done and tonumber(done) >= tonumber(ARGV[1]) then return 'done' end
if redis.call('SET', KEYS[2], ARGV[2], 'NX', 'PX', ARGV[3]) then return 'ours' end
if redis.call('GET', KEYS[2]) == ARGV[2] then
  redis.call('PEXPIRE', KEYS[2], ARGV[3])
  return 'ours'
end
return 'taken'
`);

/** KEYS done lease; ARGV turn token done-ms. Whether the turn was still ours. */
const FINISH = new Script(`
if redis.call('GET', KEYS[2]) ~= ARGV[2] then return 0 end
redis.call('DEL', KEYS[2])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
return 1
`);

/** KEYS lease; ARGV token lease-ms. */
const EXTEND = new Script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
`);

const RELEASE = new Script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`);

/**
 * Sees that a turn of a pattern is run once over all processes. Two keys in Redis a pattern: the last turn that was run, and the
 * lease of the process that is running one. A process that dies leaves a lease that runs out and a turn that is not done, and so
 * the next to ask takes it over.
 */
export class FleetTurns {
  readonly #port: RedisPort;
  readonly #prefix: string;
  readonly #lease: number;
  readonly #token = randomBytes(12).toString('hex');

  /** @param lease - milliseconds. */
  constructor(port: RedisPort, keys: KeySpace, lease: number) {
    this.#port = port;
    this.#prefix = keys.preloadPrefix;
    this.#lease = lease;
  }

  now(): number {
    return this.#port.serverNow();
  }

  async claim(pattern: string, turn: number): Promise<TurnClaim> {
    const { done, lease } = this.#keys(pattern);
    const args = [String(turn), this.#token, String(this.#lease)];
    const answer = replyText(await CLAIM.run(this.#port, [done, lease], args, this.#port.deadline()));
    return answer === 'ours' || answer === 'done' ? answer : 'taken';
  }

  /** Whether the turn is still ours. */
  async extend(pattern: string): Promise<boolean> {
    const args = [this.#token, String(this.#lease)];
    return (await EXTEND.run(this.#port, [this.#keys(pattern).lease], args, this.#port.deadline())) === 1;
  }

  /** The turn was run, well or not. @param remember - milliseconds for which that is to be known. */
  async finish(pattern: string, turn: number, remember: number): Promise<void> {
    const { done, lease } = this.#keys(pattern);
    const args = [String(turn), this.#token, String(Math.ceil(remember))];
    await FINISH.run(this.#port, [done, lease], args, this.#port.deadline());
  }

  /** The turn was not run to its end; another process may take it. */
  async abandon(pattern: string): Promise<void> {
    await RELEASE.run(this.#port, [this.#keys(pattern).lease], [this.#token], this.#port.deadline());
  }

  /** They share a hash tag, so that on a Cluster one script may have both. */
  #keys(pattern: string): { readonly done: string; readonly lease: string } {
    const tag = `{${this.#prefix}${pattern}}`;
    return { done: `${tag}done`, lease: `${tag}lease` };
  }
}
