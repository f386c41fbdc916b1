import type { KeyPart, PortState, RedisPort } from '../redis/port.js';
import { backoff } from '../resilience/backoff.js';

/** Something that could not be told to Redis and is to be told as soon as may be. */
export interface Recoverable {
  /** Another server has taken over, which may lack what was confirmed lately: that is to be told again. */
  recall(part?: KeyPart): void;
  readonly pending: boolean;
  /** Whether nothing is left. */
  replay(port: RedisPort): Promise<boolean>;
}

/**
 * Brings what could not be told to Redis there once it answers: with every connection, and again after a while where that
 * failed. Of several servers, what concerns one that is away waits for it alone. Which keys may be read meanwhile is the business of those who keep them.
 */
export class Recovery {
  readonly #port: RedisPort;
  readonly #logs = new Set<Recoverable>();
  readonly #onError: (error: unknown) => void;
  readonly #delay = backoff({ base: 50, cap: 2000, jitter: 'equal' });
  #attempts = 0;
  #closed = false;
  #running: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  /** There was a connection while a replay ran, which may have failed for want of it. */
  #again = false;

  constructor(port: RedisPort, onError: (error: unknown) => void) {
    this.#port = port;
    this.#onError = onError;
    port.onStateChange(({ state, replaced, part }) => {
      if (replaced) for (const log of this.#logs) log.recall(part);
      if (isReachable(state)) this.#run();
    });
  }

  add(log: Recoverable): void {
    this.#logs.add(log);
  }

  /** Something was added. Replays at once, unless that has failed and has its next turn already. */
  start(): void {
    if (!this.#running && !this.#retry) this.#run();
  }

  /**
   * What is left after this is lost with the process: an old value then stands until its expiry, and a lease until it runs
   * out. So what can be told yet is told, once more.
   */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    await this.#running;
    if (this.#pending && isReachable(this.#port.state)) await this.#replayAll();
  }

  #run(): void {
    if (this.#closed || !isReachable(this.#port.state)) return;
    if (this.#running) {
      this.#again = true;
      return;
    }
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#again = false;
    this.#running = this.#replayAll().then((done) => {
      this.#running = undefined;
      this.#attempts = done ? 0 : this.#attempts + 1;
      if (this.#closed || !this.#pending) return;
      // Done, it was added behind the back of a replay that had passed its log already.
      if (done || this.#again) this.#run();
      else this.#retry = setTimeout(() => this.#retryNow(), this.#delay(this.#attempts - 1)).unref();
    });
  }

  #retryNow(): void {
    this.#retry = undefined;
    this.#run();
  }

  get #pending(): boolean {
    for (const log of this.#logs) if (log.pending) return true;
    return false;
  }

  async #replayAll(): Promise<boolean> {
    let done = true;
    for (const log of this.#logs) {
      if (!log.pending) continue;
      try {
        done = (await log.replay(this.#port)) && done;
      } catch (error) {
        done = false;
        this.#onError(error);
      }
    }
    return done;
  }
}

/** Whether there is a server that commands are sent to. */
function isReachable(state: PortState): boolean {
  return state === 'ready' || state === 'degraded';
}
