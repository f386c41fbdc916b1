/** One write, by a clock that only this history moves. */
interface Written {
  readonly value: number;
  readonly writer: string;
  readonly began: number;
  /** Its place among the commits; undefined where that is not known. */
  committed: number | undefined;
  /** Infinity while nobody was told that it is done. */
  ended: number;
  /** The same in milliseconds. */
  endedAt: number;
}

const INITIAL: Written = { value: 0, writer: '', began: 0, committed: 0, ended: 0, endedAt: 0 };

function isBefore(one: Written, other: Written): boolean {
  if (one.committed !== undefined && other.committed !== undefined) return one.committed < other.committed;
  return one.ended < other.began;
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
 * What was written to some rows and in which order: that of the commits. Where those are not told, one write is before another if
 * it was done when the other began, and of two that overlapped either may be the later one.
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

  /** The database has the value. */
  readonly committed = (id: number, value: number): void => {
    const written = this.#of(id).get(value);
    if (written) written.committed = ++this.#clock;
  };

  /** Writes a value that nobody wrote before. */
  async write(writer: string, id: number, write: (value: number) => Promise<unknown>): Promise<void> {
    const value = ++this.#values;
    const begun = { began: ++this.#clock, committed: undefined, ended: Infinity, endedAt: Infinity };
    const written: Written = { value, writer, ...begun };
    this.#of(id).set(value, written);
    await write(value);
    written.ended = ++this.#clock;
    written.endedAt = performance.now();
  }

  /**
   * One reader within one process. It remembers what it was given before. Of a write that is not done a reader may be told early by
   * a load that read late, and not be told by one that read sooner: so what it has seen binds only if it was done when it asked.
   */
  reader(process: string): (id: number, read: () => Promise<number | undefined>) => Promise<void> {
    const last = new Map<number, { readonly given: Written; readonly asked: number }>();
    return async (id, read) => {
      const [asked, askedAt] = [this.#clock, performance.now()];
      const before = last.get(id);
      const seen = (await read()) ?? 0;
      const found = this.#of(id).get(seen);
      if (!found && seen !== 0) this.#note('of nobody', id, seen, 0);
      // What there was at first is before all.
      const given = found ?? INITIAL;
      if (before && before.given.ended <= before.asked && isBefore(given, before.given))
        this.#note('back in time', id, seen, before.given.value);
      for (const one of this.#of(id).values()) {
        if (!isBefore(given, one) || one.ended > asked) continue;
        if (one.writer === process) this.#note('older than its own process wrote', id, seen, one.value);
        else if (one.endedAt + this.#hop < askedAt) this.#note('older than a hop ago', id, seen, one.value);
      }
      last.set(id, { given, asked });
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
