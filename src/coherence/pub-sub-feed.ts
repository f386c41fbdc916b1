import { combinedState } from '../redis/combined-state.js';
import type { Listener } from '../redis/listener.js';
import type { PortState, StateChange } from '../redis/port.js';
import type { Logger } from '../runtime/logger.js';
import type { FeedApart } from './change-feed.js';
import { decodeMessage } from './change-message.js';
import { PublisherLog } from './publisher-log.js';
import type { Publisher } from './publisher.js';

/**
 * Hears of changes from the processes that make them (see `AnnouncingPort`), where the server itself does not tell.
 *
 * It hears of what is done through a cache with `coherence: 'pubsub'`, and of nothing else: not of `redis-cli DEL`, not of
 * other programs, a bare `CacheClient` or a cache of another mode, and not of keys that Redis drops because they expire or
 * memory is short. Copies of those stay until their own time is over.
 *
 * Messages come by a connection apart, and so in no order with replies. A message is sent after its change, in the same
 * script, and so that is sound for the reason given at `Listener`.
 *
 * Redis keeps no message for anyone: what is published while nobody listens is lost, and so is what a broken link between
 * two nodes of a Cluster or a proxy drops. The loss of the subscription is told like that of any connection. Of the rest
 * the numbers of the messages tell (`PublisherLog`), and then all copies go.
 */
export class PubSubFeed implements FeedApart {
  readonly #listeners: readonly Listener[];
  readonly #publisher: Publisher;
  readonly #log: PublisherLog;
  readonly #newsListeners: Array<(redisKey: string | null) => void> = [];
  readonly #unprovenListeners: Array<() => void> = [];

  /** @param listeners - one, or one for each of several servers that hold keys. */
  constructor(listeners: readonly Listener[], publisher: Publisher, logger: Logger) {
    this.#listeners = listeners;
    this.#publisher = publisher;
    this.#log = new PublisherLog((by) => {
      logger.warn('messages of changes were not heard, so all copies in memory go', { publisher: by });
      this.#tellUnproven();
    });
    for (const listener of listeners) {
      listener.onInvalidate((message) => this.#hear(message));
      listener.onStateChange(({ renewed }) => {
        if (!renewed) return;
        this.#log.forget();
        // So that all are known while there is hardly a copy yet.
        publisher.hello();
      });
    }
  }

  /** Nothing is proven while one of them does not hear, since what it would hear of can be read all the same. */
  get state(): PortState {
    const state = combinedState(this.#listeners.map((listener) => listener.state));
    return state === 'degraded' ? 'lost' : state;
  }

  onInvalidate(listener: (redisKey: string | null) => void): void {
    this.#newsListeners.push(listener);
  }

  onUnproven(listener: () => void): void {
    this.#unprovenListeners.push(listener);
  }

  onStateChange(listener: (change: StateChange) => void): () => void {
    const stops = this.#listeners.map((one) =>
      one.onStateChange((change) => listener({ ...change, state: this.state })),
    );
    return () => {
      for (const stop of stops) stop();
    };
  }

  onLag(listener: (milliseconds: number) => void): void {
    for (const one of this.#listeners) one.onLag(listener);
  }

  /** Of the one that was silent for longest. */
  lastHeard(): number {
    return Math.min(...this.#listeners.map((listener) => listener.lastHeard()));
  }

  async connect(): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener.connect()));
  }

  close(): void {
    this.#log.forget();
    for (const listener of this.#listeners) listener.close();
  }

  #hear(text: string | null): void {
    const message = text === null ? undefined : decodeMessage(text);
    if (!message) return this.#tellUnproven(); // of a newer version, perhaps, and of whatever
    const { by, n, keys, hello } = message;
    if (by === this.#publisher.id) return;
    if (hello) this.#publisher.answer();
    for (const key of keys ?? []) this.#tell(key);
    if (keys) this.#log.change(by, n);
    else this.#log.soFar(by, n);
  }

  #tell(redisKey: string): void {
    for (const listener of this.#newsListeners) listener(redisKey);
  }

  #tellUnproven(): void {
    for (const listener of this.#unprovenListeners) listener();
  }
}
