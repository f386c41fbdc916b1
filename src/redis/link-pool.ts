import { combinedState } from './combined-state.js';
import type { Driver } from './connection.js';
import { RedisLink } from './link.js';
import type { ChangeListening } from './open-connection.js';
import type { PoolSettings } from './options.js';
import type { PortState, StateChange } from './port.js';
import type { ServerClock } from './server-clock.js';

/**
 * The links to one server. Every key belongs to one of them, so the commands of a key keep their order and what a
 * connection is told of a key is told on the connection that read it. The first link is always there; the others are opened
 * by the first key that needs them and closed when idle.
 */
export class LinkPool {
  readonly first: RedisLink;
  readonly #driver: Driver;
  readonly #settings: PoolSettings;
  readonly #clock: ServerClock;
  readonly #links: Array<RedisLink | undefined>;
  readonly #changes: ChangeListening | undefined;
  readonly #stateListeners = new Set<(change: StateChange) => void>();
  readonly #sweep: NodeJS.Timeout | undefined;
  #state: PortState = 'connecting';

  constructor(driver: Driver, settings: PoolSettings, clock: ServerClock, changes?: ChangeListening) {
    this.#driver = driver;
    this.#settings = settings;
    this.#clock = clock;
    this.#changes = changes;
    this.first = this.#open();
    this.#links = [this.first];
    this.#links.length = settings.connections;
    // A connection that tells of changes is not idle: with it the copies it vouches for would go.
    if (settings.connections > 1 && !changes) {
      this.#sweep = setInterval(() => this.#closeIdle(), settings.idleTimeout).unref();
    }
  }

  for(key: string): RedisLink {
    // Once closed, none is opened again: the first link says so to whoever asks.
    if (this.#links.length === 1 || this.first.state === 'closed') return this.first;
    return this.#at(hash(key) % this.#links.length);
  }

  get open(): RedisLink[] {
    return this.#links.filter((link) => link !== undefined);
  }

  /** That of all links together. */
  get state(): PortState {
    return this.#state;
  }

  /** Listens to every link, those yet to be opened too; what is told is the state of all together. */
  onStateChange(listener: (change: StateChange) => void): () => void {
    this.#stateListeners.add(listener);
    return () => void this.#stateListeners.delete(listener);
  }

  close(): void {
    clearInterval(this.#sweep);
    for (const link of this.open) link.close();
    this.#driver.close?.();
  }

  #open(): RedisLink {
    const link = new RedisLink(this.#driver, this.#settings, this.#clock, this.#changes);
    link.onStateChange((change) => this.#changed(change));
    return link;
  }

  #changed(change: StateChange): void {
    const previous = this.#state;
    this.#state = combinedState(this.open.map((link) => link.state));
    const together: StateChange = { ...change, state: this.#state, previous };
    for (const listener of this.#stateListeners) listener(together);
  }

  #at(index: number): RedisLink {
    const link = (this.#links[index] ??= this.#open());
    link.lastUsed = performance.now();
    return link;
  }

  #closeIdle(): void {
    const before = performance.now() - this.#settings.idleTimeout;
    for (const [index, link] of this.#links.entries()) {
      if (index === 0 || !link || link.lastUsed > before || link.inFlight > 0) continue;
      this.#links[index] = undefined;
      link.close();
    }
  }
}

/** FNV-1a over UTF-16 units: short, and even enough to choose one of a few connections. */
function hash(key: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) h = Math.imul(h ^ key.charCodeAt(i), 0x01000193);
  return h >>> 0;
}
