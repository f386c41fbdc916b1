import type { KeyPart, StateChange } from '../redis/port.js';
import type { ChangeFeed } from './change-feed.js';
import { SignsOfLife } from './signs-of-life.js';
import type { Watches } from './watches.js';

/** One namespace that keeps copies of what is in Redis. */
export interface CoherentNamespace {
  /** What its Redis keys begin with. */
  readonly prefix: string;
  /** What the Redis keys of its tag records begin with. */
  readonly tagPrefix: string;
  /** What further Redis keys begin with that tell of its keys. */
  readonly besidePrefixes: readonly string[];
  /** Somebody else changed the key; null: any may have been changed, or any of the part. */
  changed(key: string | null, part?: KeyPart): void;
  /** The same for a Redis key that tells of one. */
  besideChanged(redisKey: string): void;
  /** The same for a tag's record. */
  tagChanged(redisKey: string): void;
  /** Changes may have gone unheard, as over a new connection: what was learned before proves nothing, or nothing of the part. */
  unproven(part?: KeyPart): void;
  /** The server was silent, and tells of changes again. */
  resumed(part?: KeyPart): void;
  /** The connection has been away for as long as copies may be served without it. */
  expired(part?: KeyPart): void;
}

export interface CoherenceParts {
  readonly feed: ChangeFeed;
  readonly watches: Watches;
  /** Milliseconds that copies are served after the last sign of life of whoever tells of changes. */
  readonly maxStaleWhenDisconnected: number;
}

/**
 * Keeps the copies in the process true to Redis: hands every change that is told to the namespace it concerns, and ends what
 * can no longer be vouched for.
 *
 * A connection that is lost tells of nothing. Copies are then served for `maxStaleWhenDisconnected` after it last gave a sign
 * of life, and none of them survives the next connection, since what happened in between will never be told. A server that is
 * silent and speaks again on the same connection tells of everything in order, so what is left by then stays. How long ago that
 * last sign of life was is looked at all the time (`SignsOfLife`).
 *
 * Where there are several servers each connection is told of by itself, with the part of the keys that it vouches for: all of
 * this then happens to those keys alone. Which keys these are is asked when it happens, and not before: what another server
 * has taken over meanwhile is no longer the concern of the one that was lost.
 */
export class Coherence {
  readonly #feed: ChangeFeed;
  readonly #watches: Watches;
  readonly #maxStale: number;
  readonly #namespaces = new Set<CoherentNamespace>();
  readonly #byPrefix = new Map<string, (redisKey: string) => void>();
  #bare: CoherentNamespace | undefined;
  #epoch = 0;
  /** By the part that a connection vouches for; undefined is for all keys. */
  readonly #signs = new Map<KeyPart | undefined, SignsOfLife>();
  /** Of which copies have expired. Nearly always there are none, and every copy that is to be kept asks. */
  readonly #expired = new Map<KeyPart | undefined, SignsOfLife>();
  #closed = false;

  constructor({ feed, watches, maxStaleWhenDisconnected }: CoherenceParts) {
    this.#feed = feed;
    this.#watches = watches;
    this.#maxStale = maxStaleWhenDisconnected;
    feed.onInvalidate((redisKey, part) => this.#invalidated(redisKey, part));
    feed.onUnproven?.(() => this.#unproven(undefined));
    feed.onStateChange((change) => this.#stateChanged(change));
  }

  /** Counts the times after which what was learned before proved nothing: each connection is one. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Whether changes of all keys are told at the moment. */
  get armed(): boolean {
    if (this.#feed.state !== 'ready') return false;
    for (const signs of this.#expired.values()) if (signs.overdue) return false;
    return true;
  }

  /** Whether changes of the key are told at the moment. */
  proves(redisKey: string): boolean {
    const { state } = this.#feed;
    // Of several servers those that are away answer nothing, and so what is read comes from one that tells.
    if (state !== 'ready' && state !== 'degraded') return false;
    if (this.#expired.size === 0) return true;
    for (const [part, signs] of this.#expired) {
      if (!signs.overdue) {
        this.#expired.delete(part);
        signs.resume();
      } else if (part ? part.has(redisKey) : state === 'ready') return false;
    }
    return true;
  }

  add(namespace: CoherentNamespace): void {
    this.#namespaces.add(namespace);
    const { prefix, tagPrefix } = namespace;
    if (prefix === '') this.#bare = namespace;
    else this.#byPrefix.set(prefix, (redisKey) => namespace.changed(redisKey.slice(prefix.length)));
    this.#byPrefix.set(tagPrefix, (redisKey) => namespace.tagChanged(redisKey));
    for (const beside of namespace.besidePrefixes) {
      this.#byPrefix.set(beside, (redisKey) => namespace.besideChanged(redisKey));
    }
  }

  close(): void {
    this.#closed = true;
    for (const signs of this.#signs.values()) signs.close();
  }

  #invalidated(redisKey: string | null, part?: KeyPart): void {
    if (redisKey === null) {
      this.#watches.allChanged(part);
      for (const namespace of this.#namespaces) namespace.changed(null, part);
      return;
    }
    // Copies go before those who read the key are told, so that none of them finds one.
    const end = redisKey.indexOf('::');
    const concerned = end === -1 ? undefined : this.#byPrefix.get(redisKey.slice(0, end + 2));
    if (concerned) concerned(redisKey);
    else this.#bare?.changed(redisKey);
    this.#watches.changed(redisKey);
  }

  #unproven(part: KeyPart | undefined): void {
    this.#epoch++;
    for (const namespace of this.#namespaces) namespace.unproven(part);
    this.#watches.allUnproven(part);
  }

  #stateChanged({ state, previous, renewed, part }: StateChange): void {
    if (this.#closed) return;
    if (renewed) this.#unproven(part);
    if (state === 'ready') for (const namespace of this.#namespaces) namespace.resumed(part);
    // Of keys that have moved it says who has them now, and nothing of a connection.
    if (part && state === previous && !this.#signs.has(part)) return;
    this.#signsOf(part).told(state !== 'ready');
  }

  #signsOf(part: KeyPart | undefined): SignsOfLife {
    const known = this.#signs.get(part);
    if (known) return known;
    const source = part ?? this.#feed;
    const signs: SignsOfLife = new SignsOfLife({
      lastHeard: () => source.lastHeard(),
      maxStale: this.#maxStale,
      onExpired: () => {
        this.#expired.set(part, signs);
        for (const namespace of this.#namespaces) namespace.expired(part);
      },
    });
    this.#signs.set(part, signs);
    return signs;
  }
}
