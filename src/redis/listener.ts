import type { Driver, Tracking } from './connection.js';
import { RedisLink } from './link.js';
import type { PoolSettings } from './options.js';
import type { PortState, RedisPort, StateChange } from './port.js';
import { ServerClock } from './server-clock.js';
import { untilReady } from './until-ready.js';

/**
 * A connection beside those that carry commands, which only hears of changes. For clients that cannot hear on the connection
 * that reads, and for messages of other processes.
 *
 * It follows the port: it is opened when that is connected, and opened anew whenever that has connected anew. Otherwise it
 * might go on listening to a server that nobody reads from any more, such as a primary that was replaced, and be told
 * nothing of what changes on the other.
 *
 * News come in no order with the replies on other connections. That is sound because they are sent after the change. A read
 * that saw what was before it is watched from before it is sent (see `Watches`): the news come while it is watched, and void
 * it, or later, and remove the copy. News that come too late for a read that saw the new value cost that one copy. Of what
 * this process writes the server tells as well, since it was written elsewhere.
 */
export class Listener {
  readonly #port: RedisPort;
  readonly #driver: Driver;
  readonly #settings: PoolSettings;
  readonly #tracking: Tracking;
  readonly #newsListeners: Array<(news: string | null) => void> = [];
  readonly #lagListeners: Array<(milliseconds: number) => void> = [];
  readonly #stateListeners = new Set<(change: StateChange) => void>();
  readonly #stopFollowing: () => void;
  #link: RedisLink | undefined;
  #heardBefore = Infinity;
  #portWasAway = false;
  #closed = false;

  constructor(port: RedisPort, driver: Driver, settings: PoolSettings, tracking: Tracking) {
    this.#port = port;
    this.#driver = driver;
    this.#settings = settings;
    this.#tracking = tracking;
    this.#stopFollowing = port.onStateChange(({ renewed, state }) => {
      // A further connection of the port, opened by the first key that needs it, follows no loss.
      if (renewed && (!this.#link || this.#portWasAway)) {
        this.#portWasAway = false;
        this.#open();
      }
      if (state !== 'ready') this.#portWasAway = true;
    });
  }

  get state(): PortState {
    if (this.#closed) return 'closed';
    return this.#link?.state ?? 'connecting';
  }

  /** A key that changed, or null for all of them; of a channel, a message. */
  onInvalidate(listener: (news: string | null) => void): void {
    this.#newsListeners.push(listener);
  }

  /** See `RedisPort`. */
  onStateChange(listener: (change: StateChange) => void): () => void {
    this.#stateListeners.add(listener);
    return () => void this.#stateListeners.delete(listener);
  }

  /** See `RedisPort`. */
  onLag(listener: (milliseconds: number) => void): void {
    this.#lagListeners.push(listener);
  }

  /** See `RedisPort`. */
  lastHeard(): number {
    const heard = this.#link?.lastHeard ?? Infinity;
    return heard === Infinity ? this.#heardBefore : heard;
  }

  /** Resolves when changes are heard of. The port is connected before; rejects as its `connect` does. */
  async connect(): Promise<void> {
    if (this.#link) await untilReady(this.#link, this.#port.address, this.#settings);
  }

  close(): void {
    this.#closed = true;
    this.#stopFollowing();
    this.#stateListeners.clear();
    this.#link?.close();
    this.#driver.close?.();
  }

  #open(): void {
    const previous = this.state;
    this.#heardBefore = this.lastHeard();
    const old = this.#link;
    const link = new RedisLink(this.#driver, this.#settings, new ServerClock(), {
      tracking: this.#tracking,
      listener: (news) => {
        for (const tell of this.#newsListeners) tell(news);
      },
      onLag: (milliseconds) => {
        for (const tell of this.#lagListeners) tell(milliseconds);
      },
    });
    this.#link = link;
    old?.close();
    if (previous !== 'connecting')
      this.#tell({ state: 'connecting', previous, renewed: false, cause: undefined });
    link.onStateChange((change) => {
      if (this.#link === link) this.#tell(change);
    });
  }

  #tell(change: StateChange): void {
    for (const listener of this.#stateListeners) listener(change);
  }
}
