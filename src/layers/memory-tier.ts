import type { LruMap } from '../memory/lru-map.js';
import { ENTRY_OVERHEAD } from '../memory/memory-store.js';
import { sizeOfString } from '../memory/size-of.js';
import { turnClock } from '../runtime/turn-clock.js';
import type { Aging } from './freshness.js';

/** What is known of a value that is to be kept. */
export interface Kept extends Aging {
  readonly value: unknown;
  readonly tags: readonly string[];
}

/** A copy in the process, with what its entry's header says. */
export interface Held extends Kept {
  /** Until then, by `performance.now()`, it is served and nothing else looked at. XFetch may draw an earlier end. */
  plainUntil: number;
}

/** The fields of a copy. */
const FIELDS = 72;

/** No key has one: a lone surrogate is refused. */
const SEPARATOR = '\uD800';

/** One namespace's copies in the memory that all of a cache share. */
export class MemoryTier {
  readonly #map: LruMap<Held>;
  /** Before the keys of every namespace but the first, whose keys are looked up as they are: joining costs more than looking up. */
  readonly #mark: string;

  constructor(map: LruMap<Held>, namespace: number) {
    this.#map = map;
    this.#mark = namespace === 0 ? '' : `${SEPARATOR}${namespace}${SEPARATOR}`;
  }

  /** The copy if it may be served with no further look. Nothing is allocated. */
  plain(key: string): Held | undefined {
    const held = this.#map.get(this.#mark === '' ? key : this.#mark + key);
    if (held === undefined) return undefined;
    return held.plainUntil === Infinity || turnClock.now() < held.plainUntil ? held : undefined;
  }

  /** The copy, stale or not, as long as it may be used at all. */
  any(key: string): Held | undefined {
    return this.#map.peek(this.#mark + key);
  }

  /**
   * @param left - how long the copy may stay, in milliseconds.
   * @param plainFor - for how long of that it is served with no further look.
   * @param size - bytes of the value.
   */
  put(key: string, kept: Kept, left: number, plainFor: number, size: number): Held {
    const plainUntil = plainFor >= left ? Infinity : performance.now() + plainFor;
    const held: Held = {
      value: kept.value,
      createdAt: kept.createdAt,
      freshFor: kept.freshFor,
      usableFor: kept.usableFor,
      cost: kept.cost,
      tags: kept.tags,
      plainUntil,
    };
    this.#map.set(this.#mark + key, held, size + sizeOfString(key) + ENTRY_OVERHEAD + FIELDS, left);
    return held;
  }

  delete(key: string): boolean {
    return this.#map.delete(this.#mark + key);
  }

  /** @param concerned - which keys; all if left out. */
  clear(concerned?: (key: string) => boolean): void {
    for (const key of this.#map.keys()) {
      const isOurs = this.#mark === '' ? !key.startsWith(SEPARATOR) : key.startsWith(this.#mark);
      if (isOurs && (!concerned || concerned(key.slice(this.#mark.length)))) this.#map.delete(key);
    }
  }
}
