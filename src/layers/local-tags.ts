/** Tags of a cache that has no Redis: the times of their invalidations, in the process. */
export class LocalTags {
  readonly #stamps = new Map<string, number>();
  /** No entry made at or before it is valid: what was forgotten of single tags. */
  #floor = 0;

  check(tags: readonly string[], createdAt: number): 'valid' | 'stale' {
    if (createdAt <= this.#floor) return 'stale';
    return tags.some((tag) => createdAt <= (this.#stamps.get(tag) ?? 0)) ? 'stale' : 'valid';
  }

  invalidate(tags: readonly string[], now: number): void {
    for (const tag of tags) this.#stamps.set(tag, now);
    if (this.#stamps.size <= MOST) return;
    this.#floor = now;
    this.#stamps.clear();
  }
}

const MOST = 10_000;
