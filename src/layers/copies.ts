import { sizeOf } from '../memory/size-of.js';
import type { EntryPolicy } from './entry-policy.js';
import { judge, type Verdict } from './freshness.js';
import { HeapSizes } from './heap-sizes.js';
import type { Kept, MemoryTier } from './memory-tier.js';

/** A copy together with what is to be done about it. */
export interface Servable {
  readonly held: Kept;
  readonly verdict: Exclude<Verdict, 'expired'>;
}

/** Which copies are kept, for how long, and which of them may still be served: the rules of age over the bare memory. */
export class Copies {
  readonly #memory: MemoryTier | undefined;
  readonly #serverNow: () => number;
  readonly #unprovenLife: number;
  readonly #sizes = new HeapSizes();
  #someUnproven = false;

  /** @param unprovenLife - milliseconds that a copy may stay of whose changes nobody tells. */
  constructor(memory: MemoryTier | undefined, serverNow: () => number, unprovenLife: number) {
    this.#memory = memory;
    this.#serverNow = serverNow;
    this.#unprovenLife = unprovenLife;
  }

  /** Whether anything would be kept. */
  keeps(policy: EntryPolicy): boolean {
    return this.#memory !== undefined && policy.memory !== 0;
  }

  /** The copy if it may still be served for something, and for what. */
  judged(key: string, policy: EntryPolicy): Servable | undefined {
    const held = this.#memory?.any(key);
    if (held === undefined) return undefined;
    const now = this.#serverNow();
    const verdict = judge(held, policy, now);
    if (verdict === 'expired') return undefined;
    if (verdict !== 'fresh') return { held, verdict };
    // It is fresh, and not to be served with no further look: XFetch drew that it be refreshed. Once is enough.
    this.#memory?.setPlain(key, freshLeft(held, now));
    return { held, verdict: 'early' };
  }

  /**
   * @param encoded - bytes of the entry in Redis, where there is one.
   * @param proven - whether changes of the key will be told.
   */
  keep(key: string, kept: Kept, policy: EntryPolicy, encoded: number | undefined, proven: boolean): void {
    if (this.#memory === undefined || policy.memory === 0) return;
    const now = this.#serverNow();
    const usable = kept.usableFor ?? kept.freshFor ?? Infinity;
    const left = Math.min(
      usable - (now - kept.createdAt),
      policy.memory,
      proven ? Infinity : this.#unprovenLife,
    );
    const early =
      kept.cost === undefined || policy.earlyRefresh === 0
        ? 0
        : (kept.cost / 1000) * policy.earlyRefresh * Math.log(Math.random());
    const size = encoded === undefined ? sizeOf(kept.value) : this.#sizes.estimate(kept.value, encoded);
    this.#memory.put(key, kept, left, freshLeft(kept, now) + early, size);
    if (!proven) this.#someUnproven = true;
  }

  drop(key: string): boolean {
    return this.#memory?.delete(key) ?? false;
  }

  /** @param concerned - which of them; all if left out. */
  dropAll(concerned?: (key: string) => boolean): void {
    this.#memory?.clear(concerned);
    if (!concerned) this.#someUnproven = false;
  }

  /** Changes are told again, but not those of keys that were kept while they were not. */
  dropUnproven(concerned?: (key: string) => boolean): void {
    if (this.#someUnproven) this.dropAll(concerned);
  }
}

function freshLeft({ freshFor, createdAt }: Kept, now: number): number {
  return freshFor === undefined ? Infinity : freshFor - (now - createdAt);
}
