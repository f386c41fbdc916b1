import type { KeyPart } from '../redis/port.js';
import { ChurningMap } from '../runtime/churning-map.js';

/** Someone reads or loads a key and must know whether it changed meanwhile. Whoever begins a watch ends it. */
export class Watch {
  /** Whether the key was changed since the watch began: what was read of it may be old and must not be kept. */
  changed = false;
  readonly redisKey: string;
  /** Further watches of the same key. */
  next: Watch | undefined;
  #change: Promise<void> | undefined;
  #resolve: (() => void) | undefined;

  constructor(redisKey: string) {
    this.redisKey = redisKey;
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
 * in memory. So every read that may end in memory is watched from before it is sent, and a change in between voids it.
 *
 * Every read begins and ends a watch, so they are kept as a chain a key rather than as a set: a key has one nearly always.
 */
export class Watches {
  readonly #first = new ChurningMap<string, Watch>();

  begin(redisKey: string): Watch {
    const watch = new Watch(redisKey);
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
    for (let watch = this.#first.get(redisKey); watch; watch = watch.next) watch.notice();
  }

  /** All keys that begin so. */
  changedUnder(prefix: string): void {
    for (const redisKey of this.#first.keys()) if (redisKey.startsWith(prefix)) this.changed(redisKey);
  }

  /** Any key may have changed, or any of the part. */
  allChanged(part?: KeyPart): void {
    for (const redisKey of this.#first.keys()) if (!part || part.has(redisKey)) this.changed(redisKey);
  }

  get size(): number {
    return this.#first.size;
  }
}
