/** One element that the summary holds. */
export interface Counted<T> {
  readonly element: T;
  /** Never below the true count. */
  readonly count: number;
  /** How far above the true count it is at most. */
  readonly error: number;
}

interface Slot<T> {
  element: T;
  count: number;
  error: number;
  /** Where it stands in the heap. */
  place: number;
}

/**
 * The most frequent elements of a stream in a fixed space: Space-Saving, of A. Metwally, D. Agrawal, A. El Abbadi, "Efficient
 * Computation of Frequent and Top-k Elements in Data Streams", ICDT 2005.
 *
 * So many elements are counted. One that is not among them takes the place of the one with the lowest count, and goes on from
 * that count, which may be all its own or none of it: the `error`. What follows: with `capacity` m and a stream of N, an element
 * that came more than N / m times is in the summary; its count is never too low, and too high by at most its error, which
 * is at most N / m. The counts always add up to N.
 *
 * The elements are a heap by count with the lowest on top, which is who has to leave; a Map tells where an element stands.
 */
export class SpaceSaving<T> {
  readonly #capacity: number;
  readonly #slots = new Map<T, Slot<T>>();
  readonly #heap: Slot<T>[] = [];
  #total = 0;

  /** @param capacity - how many elements are counted: at least 1. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** How many elements came, those forgotten too. */
  get total(): number {
    return this.#total;
  }

  /** What an element that is not in the summary came at most. */
  get floor(): number {
    return this.#heap.length < this.#capacity ? 0 : (this.#heap[0]?.count ?? 0);
  }

  /** @param weight - as how many it counts. */
  add(element: T, weight = 1): void {
    this.#total += weight;
    const known = this.#slots.get(element);
    if (known) {
      known.count += weight;
      this.#sink(known);
      return;
    }
    if (this.#heap.length < this.#capacity) {
      const slot: Slot<T> = { element, count: weight, error: 0, place: this.#heap.length };
      this.#slots.set(element, slot);
      this.#heap.push(slot);
      this.#rise(slot);
      return;
    }
    const least = this.#heap[0] as Slot<T>;
    this.#slots.delete(least.element);
    this.#slots.set(element, least);
    least.element = element;
    least.error = least.count;
    least.count += weight;
    this.#sink(least);
  }

  /** Makes all that came so far count less. It changes no order, and keeps what the summary says of its errors. */
  scale(factor: number): void {
    this.#total *= factor;
    for (const slot of this.#heap) {
      slot.count *= factor;
      slot.error *= factor;
    }
  }

  /** The highest counts first. */
  top(most: number): Counted<T>[] {
    return this.#heap
      .toSorted((a, b) => b.count - a.count || a.error - b.error)
      .slice(0, most)
      .map(({ element, count, error }) => ({ element, count, error }));
  }

  clear(): void {
    this.#slots.clear();
    this.#heap.length = 0;
    this.#total = 0;
  }

  #rise(slot: Slot<T>): void {
    while (slot.place > 0) {
      const above = this.#heap[(slot.place - 1) >> 1] as Slot<T>;
      if (above.count <= slot.count) return;
      this.#swap(slot, above);
    }
  }

  #sink(slot: Slot<T>): void {
    for (;;) {
      const left = this.#heap[2 * slot.place + 1];
      const right = this.#heap[2 * slot.place + 2];
      const lower = right && left && right.count < left.count ? right : left;
      if (!lower || lower.count >= slot.count) return;
      this.#swap(lower, slot);
    }
  }

  #swap(a: Slot<T>, b: Slot<T>): void {
    [a.place, b.place] = [b.place, a.place];
    this.#heap[a.place] = a;
    this.#heap[b.place] = b;
  }
}
