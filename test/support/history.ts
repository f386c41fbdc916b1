/** One write, by a clock that only this history moves. */
interface Written {
  readonly value: number;
  readonly writer: string;
  readonly began: number;
  /** Infinity while nobody was told that it is done. */
  ended: number;
  /** The same in milliseconds. */
  endedAt: number;
}

/** What readers were given that they should not have been. */
export interface Anomaly {
  readonly what: 'of nobody' | 'older than its own process wrote' | 'older than a hop ago' | 'back in time';
  readonly id: number;
  readonly seen: number;
  /** What it was to be at least. */
  readonly than: number;
}

/**
 * What was written to some rows and in which order, as far as those who wrote can tell: one write is before another if it was done
 * when the other began. Of two that overlapped the database decides, and here either may be the later one.
 */
export class History {
  readonly anomalies: Anomaly[] = [];
  readonly #writes = new Map<number, Map<number, Written>>();
  readonly #hop: number;
  #clock = 0;
  #values = 0;

  /** @param hop - milliseconds after which everyone must know. */
  constructor(hop: number) {
    this.#hop = hop;
  }

  /** Writes a value that nobody wrote before. */
  async write(writer: string, id: number, write: (value: number) => Promise<unknown>): Promise<void> {
    const value = ++this.#values;
    const written: Written = { value, writer, began: ++this.#clock, ended: Infinity, endedAt: Infinity };
    this.#of(id).set(value, written);
    await write(value);
    written.ended = ++this.#clock;
    written.endedAt = performance.now();
  }

  /** One reader within one process. It remembers what it was given before. */
  reader(process: string): (id: number, read: () => Promise<number | undefined>) => Promise<void> {
    const last = new Map<number, Written>();
    return async (id, read) => {
      const [asked, askedAt] = [this.#clock, performance.now()];
      const before = last.get(id);
      const seen = (await read()) ?? 0;
      const found = this.#of(id).get(seen);
      if (!found && seen !== 0) this.#note('of nobody', id, seen, 0);
      // What there was at first is before all.
      const given = found ?? { value: 0, writer: '', began: 0, ended: 0, endedAt: 0 };
      if (before && given.ended < before.began) this.#note('back in time', id, seen, before.value);
      for (const one of this.#of(id).values()) {
        if (given.ended >= one.began || one.ended > asked) continue;
        if (one.writer === process) this.#note('older than its own process wrote', id, seen, one.value);
        else if (one.endedAt + this.#hop < askedAt) this.#note('older than a hop ago', id, seen, one.value);
      }
      last.set(id, given);
    };
  }

  #of(id: number): Map<number, Written> {
    const known = this.#writes.get(id);
    if (known) return known;
    const made = new Map<number, Written>();
    this.#writes.set(id, made);
    return made;
  }

  #note(what: Anomaly['what'], id: number, seen: number, than: number): void {
    this.anomalies.push({ what, id, seen, than });
  }
}
