import type { KeyPart, PortState, RedisPort, StateChange } from '../redis/port.js';
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
  /** There is a new connection: what was learned before it proves nothing, or of the part of the keys that it concerns. */
  renewed(part?: KeyPart): void;
  /** The server was silent, and tells of changes again. */
  resumed(part?: KeyPart): void;
  /** The connection has been away for as long as copies may be served without it. */
  expired(part?: KeyPart): void;
}

export interface CoherenceParts {
  readonly port: RedisPort;
  readonly watches: Watches;
  /** Milliseconds that copies are served after the last sign of life of a connection that is lost. */
  readonly maxStaleWhenDisconnected: number;
}

/**
 * Keeps the copies in the process true to Redis: hands every change that is told to the namespace it concerns, and ends what
 * can no longer be vouched for.
 *
 * A connection that is lost tells of nothing. Copies are then served for `maxStaleWhenDisconnected` after it last gave a sign
 * of life, and none of them survives the next connection, since what happened in between will never be told. A server that is
 * silent and speaks again on the same connection tells of everything in order, so what is left by then stays.
 *
 * Where there are several servers each connection is told of by itself, with the part of the keys that it vouches for: all of
 * this then happens to those keys alone. Which keys these are is asked when it happens, and not before: what another server
 * has taken over meanwhile is no longer the concern of the one that was lost.
 */
export class Coherence {
  readonly #port: RedisPort;
  readonly #watches: Watches;
  readonly #maxStale: number;
  readonly #namespaces = new Set<CoherentNamespace>();
  readonly #byPrefix = new Map<string, (redisKey: string) => void>();
  #bare: CoherentNamespace | undefined;
  #epoch = 0;
  /** By the part that is without a connection; undefined is for all keys. */
  readonly #expiries = new Map<KeyPart | undefined, NodeJS.Timeout>();

  constructor({ port, watches, maxStaleWhenDisconnected }: CoherenceParts) {
    this.#port = port;
    this.#watches = watches;
    this.#maxStale = maxStaleWhenDisconnected;
    port.onInvalidate((redisKey, part) => this.#invalidated(redisKey, part));
    port.onStateChange((change) => this.#stateChanged(change));
  }

  /** Counts the connections there were. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Whether changes are told at the moment. */
  get proven(): boolean {
    const { tracking, state } = this.#port;
    // Where each connection is told of by itself, those that are lost say nothing of the others.
    return tracking && (state === 'ready' || (state === 'degraded' && !this.#expiries.has(undefined)));
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
    for (const timer of this.#expiries.values()) clearTimeout(timer);
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

  #stateChanged({ state, renewed, part }: StateChange): void {
    if (!this.#port.tracking) return;
    if (renewed) {
      this.#epoch++;
      for (const namespace of this.#namespaces) namespace.renewed(part);
      this.#watches.allChanged(part);
    }
    if (state === 'ready') {
      clearTimeout(this.#expiries.get(part));
      this.#expiries.delete(part);
      for (const namespace of this.#namespaces) namespace.resumed(part);
    } else if (isAway(state) && !this.#expiries.has(part)) {
      const left = (part ?? this.#port).lastHeard() + this.#maxStale - performance.now();
      this.#expiries.set(part, setTimeout(() => this.#expire(part), Math.max(0, left)).unref());
    }
  }

  #expire(part: KeyPart | undefined): void {
    for (const namespace of this.#namespaces) namespace.expired(part);
  }
}

function isAway(state: PortState): boolean {
  return state === 'lost' || state === 'silent' || state === 'degraded';
}
