/** Three words an entry, and one for every two of them. */
const BYTES_AN_ENTRY = 28;
const LEAST = 4;

/**
 * How large a Map of V8 is (src/objects/ordered-hash-table.cc). It cannot be asked, and per entry it may take three times as much
 * as at its best: what was deleted keeps its place until the table is full, and is then swept out only if it is half of it;
 * otherwise the table doubles. Of a memory that is full of small values this is a good part.
 */
export class IndexSize {
  #capacity = LEAST;
  #held = 0;
  #deleted = 0;

  get bytes(): number {
    return BYTES_AN_ENTRY * this.#capacity;
  }

  /** By how many bytes it grows when one entry more is added. */
  get growth(): number {
    return this.#isFull() ? BYTES_AN_ENTRY * (this.#nextCapacity() - this.#capacity) : 0;
  }

  /** @returns by how many bytes it grew. */
  add(): number {
    const growth = this.growth;
    if (this.#isFull()) {
      this.#capacity = this.#nextCapacity();
      this.#deleted = 0;
    }
    this.#held++;
    return growth;
  }

  /** @returns the same; not above 0. */
  remove(): number {
    this.#held--;
    this.#deleted++;
    if (this.#capacity === LEAST || this.#held >= this.#capacity / 4) return 0;
    this.#capacity /= 2;
    this.#deleted = 0;
    return -BYTES_AN_ENTRY * this.#capacity;
  }

  /** @returns the same. */
  clear(): number {
    const before = this.bytes;
    this.#capacity = LEAST;
    this.#held = this.#deleted = 0;
    return this.bytes - before;
  }

  #isFull(): boolean {
    return this.#held + this.#deleted >= this.#capacity;
  }

  #nextCapacity(): number {
    return this.#deleted >= this.#capacity / 2 ? this.#capacity : 2 * this.#capacity;
  }
}
