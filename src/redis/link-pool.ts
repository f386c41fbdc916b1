import type { Driver } from './connection.js';
import { RedisLink } from './link.js';
import type { PoolSettings } from './options.js';
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
  readonly #sweep: NodeJS.Timeout | undefined;

  constructor(driver: Driver, settings: PoolSettings, clock: ServerClock) {
    this.#driver = driver;
    this.#settings = settings;
    this.#clock = clock;
    this.first = new RedisLink(driver, settings, clock);
    this.#links = [this.first];
    this.#links.length = settings.connections;
    if (settings.connections > 1) {
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

  close(): void {
    clearInterval(this.#sweep);
    for (const link of this.open) link.close();
  }

  #at(index: number): RedisLink {
    const link = (this.#links[index] ??= new RedisLink(this.#driver, this.#settings, this.#clock));
    link.lastUsed = performance.now();
    return link;
  }

  #closeIdle(): void {
    const before = performance.now() - this.#settings.idleTimeout;
    for (const [index, link] of this.#links.entries()) {
      if (index === 0 || !link || link.lastUsed > before || link.inFlight > 0) continue;
      link.close();
      this.#links[index] = undefined;
    }
  }
}

/** FNV-1a over UTF-16 units: short, and even enough to choose one of a few connections. */
function hash(key: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) h = Math.imul(h ^ key.charCodeAt(i), 0x01000193);
  return h >>> 0;
}
