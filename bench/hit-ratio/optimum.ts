/**
 * Hits of a memory that knows the future: what is asked for again last leaves first (L. Belady, "A study of replacement
 * algorithms for a virtual-storage computer", 1966). Every key has to be let in, as it has for the others.
 */
export function optimum(requests: Uint32Array, keys: number, entries: number): number {
  const nextUse = nextUses(requests, keys);
  // When the key is asked for next, or 0 while it is not held.
  const held = new Uint32Array(keys);
  const heap = new LatestFirst();
  let size = 0;
  let hits = 0;
  for (let i = 0; i < requests.length; i++) {
    const key = requests[i] as number;
    if (held[key] !== 0) hits++;
    else if (size < entries) size++;
    else dropLatest(heap, held);
    held[key] = nextUse[i] as number;
    heap.push(nextUse[i] as number, key);
  }
  return hits;
}

function dropLatest(heap: LatestFirst, held: Uint32Array): void {
  for (;;) {
    const [use, key] = heap.pop();
    if (held[key] !== use) continue; // it was used since
    held[key] = 0;
    return;
  }
}

function nextUses(requests: Uint32Array, keys: number): Uint32Array {
  const next = new Uint32Array(requests.length);
  const last = new Uint32Array(keys);
  for (let i = requests.length - 1; i >= 0; i--) {
    const key = requests[i] as number;
    // Never again: later than any other, and each at a time of its own.
    next[i] = last[key] || requests.length + i + 1;
    last[key] = i;
  }
  return next;
}

/** A binary heap. */
class LatestFirst {
  readonly #uses: number[] = [];
  readonly #keys: number[] = [];

  push(use: number, key: number): void {
    let at = this.#uses.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if ((this.#uses[parent] as number) >= use) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#uses[at] = use;
    this.#keys[at] = key;
  }

  pop(): readonly [use: number, key: number] {
    const top = [this.#uses[0] as number, this.#keys[0] as number] as const;
    const use = this.#uses.pop() as number;
    const key = this.#keys.pop() as number;
    const length = this.#uses.length;
    if (length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child + 1 < length && (this.#uses[child + 1] as number) > (this.#uses[child] as number)) child++;
      if (child >= length || (this.#uses[child] as number) <= use) break;
      this.#move(child, at);
      at = child;
    }
    this.#uses[at] = use;
    this.#keys[at] = key;
    return top;
  }

  #move(from: number, to: number): void {
    this.#uses[to] = this.#uses[from] as number;
    this.#keys[to] = this.#keys[from] as number;
  }
}
