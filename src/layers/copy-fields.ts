import type { SlotColumns } from '../memory/arena.js';
import { resized, resizedNumbers } from '../memory/slot-column.js';
import type { Kept } from './memory-tier.js';

const NO_TAGS: readonly string[] = Object.freeze([]);

/**
 * What the headers of the copies say, in columns by slot. As an object each would take some 150 bytes; here most take 20, for
 * what few entries have gets a column only when one has it.
 */
export class CopyFields implements SlotColumns {
  #slots = 0;
  #createdAt = new Float64Array(0);
  /** Infinity: for ever. */
  #freshFor = new Float64Array(0);
  /** Infinity: as long as it is fresh. */
  #usableFor: Float64Array | undefined;
  /** NaN: not known. What XFetch draws with it is a guess anyway, for which 24 bits are enough. */
  #cost: Float32Array | undefined;
  #tags: (readonly string[])[] | undefined;

  get slotBytes(): number {
    return 16 + (this.#usableFor ? 8 : 0) + (this.#cost ? 4 : 0) + (this.#tags ? 8 : 0);
  }

  /** The tags of the copy; undefined while no copy has any. */
  tags(slot: number): readonly string[] | undefined {
    return this.#tags?.[slot];
  }

  createdAt(slot: number): number {
    return this.#createdAt[slot] as number;
  }

  get(slot: number, value: unknown): Kept {
    const freshFor = this.#freshFor[slot] as number;
    const usableFor = this.#usableFor?.[slot] ?? Infinity;
    const cost = this.#cost?.[slot] ?? Number.NaN;
    return {
      value,
      createdAt: this.createdAt(slot),
      freshFor: freshFor === Infinity ? undefined : freshFor,
      usableFor: usableFor === Infinity ? undefined : usableFor,
      cost: Number.isNaN(cost) ? undefined : cost,
      tags: this.tags(slot) ?? NO_TAGS,
    };
  }

  set(slot: number, { createdAt, freshFor, usableFor, cost, tags }: Kept): void {
    this.#createdAt[slot] = createdAt;
    this.#freshFor[slot] = freshFor ?? Infinity;
    if (usableFor !== undefined) this.#usableFor ??= new Float64Array(this.#slots).fill(Infinity);
    if (this.#usableFor) this.#usableFor[slot] = usableFor ?? Infinity;
    if (cost !== undefined) this.#cost ??= new Float32Array(this.#slots).fill(Number.NaN);
    if (this.#cost) this.#cost[slot] = cost ?? Number.NaN;
    if (tags.length > 0) this.#tags ??= resized([], this.#slots, NO_TAGS);
    if (this.#tags) this.#tags[slot] = tags;
  }

  resize(slots: number, order?: Int32Array): void {
    this.#slots = slots;
    this.#createdAt = resizedNumbers(this.#createdAt, slots, order);
    this.#freshFor = resizedNumbers(this.#freshFor, slots, order);
    this.#usableFor &&= resizedNumbers(this.#usableFor, slots, order);
    this.#cost &&= resizedNumbers(this.#cost, slots, order);
    this.#tags &&= resized(this.#tags, slots, NO_TAGS, order);
  }
}
