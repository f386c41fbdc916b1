import type { KeyPart } from '../redis/port.js';
import { ChurningMap } from '../runtime/churning-map.js';

/** Someone reads or loads a key and must know whether it changed meanwhile. Whoever begins a watch ends it. */
export class Watch {
  /** Whether the key was changed since the watch began: what was read of it may be old and must not be kept. */
  changed = false;
  readonly redisKey: string;
  /** See {@link Watches.beginOwn}. */
  readonly own: boolean;
  /** Whether changes by others may have gone unheard, or go unheard altogether. */
  deaf: boolean;
  /** Further watches of the same key. */
  next: Watch | undefined;
  #change: Promise<void> | undefined;
  #resolve: (() => void) | undefined;

  constructor(redisKey: string, own: boolean, deaf: boolean) {
    this.redisKey = redisKey;
    this.own = own;
    this.deaf = deaf;
  }

  /** Resolves with the first change. */
  get change(): Promise<void> {
    if (this.changed) return Promise.resolve();
    // Few readers wait for a change, so the promise is made for those who do.
    return (this.#change ??= new Promise((resolve) => {
      this.#resolve = resolve;
    }));
  }

  notice(): void {
    this.changed = true;
    this.#resolve?.();
  }
}

/**
 * Who is to be told of changes of a key that is being read.
 *
 * Replies and news of changes come in order on one connection, but the promise of a reply is followed a moment after it came:
 * a change told right behind a reply would be forgotten, and the old value kept for good, if it only removed what is already
 * in memory. On two connections news may even come before the reply that they concern. So every read that may end in memory
 * is watched from before it is sent, and a change in between voids it. News of a change come after it, so those of a
 * change that the read did not see come after the watch began: no order is needed but that.
 *
 * Every read begins and ends a watch, so they are kept as a chain a key rather than as a set: a key has one nearly always.
 */
export class Watches {
  readonly #first = new ChurningMap<string, Watch>();
  readonly #echoes: boolean;

  /** @param echoes - whether news come of what this process writes itself, not to be told from what others did. */
  constructor(echoes = false) {
    this.#echoes = echoes;
  }

  begin(redisKey: string): Watch {
    return this.#begin(new Watch(redisKey, false, false));
  }

  /**
   * For what this process is about to store itself. Whether a load is stored Redis has the last word on: its lease, or the entry
   * it refreshes, must still stand. So where news prove nothing, because they may be of that very lease or because some were
   * missed, it is left to Redis to say whether anyone touched the key, and such a watch is deaf to them. What was stored is
   * then not kept in memory: the next read keeps it.
   */
  beginOwn(redisKey: string): Watch {
    return this.#begin(new Watch(redisKey, true, this.#echoes));
  }

  #begin(watch: Watch): Watch {
    const { redisKey } = watch;
    watch.next = this.#first.get(redisKey);
    this.#first.set(redisKey, watch);
    return watch;
  }

  end(watch: Watch): void {
    const { redisKey } = watch;
    const first = this.#first.get(redisKey);
    if (first === watch) {
      if (watch.next) this.#first.set(redisKey, watch.next);
      else this.#first.delete(redisKey);
      return;
    }
    for (let before = first; before; before = before.next) {
      if (before.next === watch) {
        before.next = watch.next;
        return;
      }
    }
  }

  changed(redisKey: string): void {
    if (this.#first.size === 0) return;
    for (let watch = this.#first.get(redisKey); watch; watch = watch.next) if (!watch.deaf) watch.notice();
  }

  /** This process writes or deletes the key. */
  supersede(redisKey: string): void {
    if (this.#first.size === 0) return;
    for (let watch = this.#first.get(redisKey); watch; watch = watch.next) watch.notice();
  }

  /** The same for all keys that begin so. */
  supersedeUnder(prefix: string): void {
    for (const redisKey of this.#first.keys()) if (redisKey.startsWith(prefix)) this.supersede(redisKey);
  }

  /** Any key may have changed, or any of the part. */
  allChanged(part?: KeyPart): void {
    for (const redisKey of this.#first.keys()) if (!part || part.has(redisKey)) this.changed(redisKey);
  }

  /** Changes may have gone unheard, of any key, or of any of the part. */
  allUnproven(part?: KeyPart): void {
    for (const [redisKey, first] of this.#first) {
      if (part && !part.has(redisKey)) continue;
      for (let watch: Watch | undefined = first; watch; watch = watch.next) {
        if (watch.own) watch.deaf = true;
        else watch.notice();
      }
    }
  }

  get size(): number {
    return this.#first.size;
  }
}
