import { InvalidOptionError } from '../errors.js';
import { describeValue } from '../validate.js';
import type { MetricsSnapshot } from './snapshot.js';

/** A name is a label in the end, and labels must not be made of data. */
const MOST_NAMES = 200;
const NAME = /^[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+$/;

/** A count of a part that the metrics do not know. */
export interface NamedCounter {
  /** @param by - a number of at least 0. Default 1. Anything else counts nothing. */
  add(by?: number): void;
  readonly value: number;
}

class Count implements NamedCounter {
  value = 0;

  add(by = 1): void {
    if (by >= 0) this.value = Math.min(this.value + by, Number.MAX_SAFE_INTEGER);
  }
}

/** Counts and gauges of parts that the metrics do not know, by name. */
export class NamedMetrics {
  readonly #counters = new Map<string, Count>();
  readonly #gauges = new Map<string, () => number>();

  counter(name: string): NamedCounter {
    const known = this.#counters.get(name);
    if (known) return known;
    this.#check(name);
    const made = new Count();
    this.#counters.set(name, made);
    return made;
  }

  gauge(name: string, read: () => number): () => void {
    this.#check(name);
    if (typeof read !== 'function') {
      throw new InvalidOptionError(`gauge '${name}': expected a function, got ${describeValue(read)}`);
    }
    this.#gauges.set(name, read);
    return () => {
      if (this.#gauges.get(name) === read) this.#gauges.delete(name);
    };
  }

  snapshot(): MetricsSnapshot['named'] {
    const counters: Record<string, number> = {};
    const gauges: Record<string, number> = {};
    for (const [name, { value }] of this.#counters) counters[name] = value;
    for (const [name, read] of this.#gauges) {
      try {
        const value = read();
        if (Number.isFinite(value)) gauges[name] = value;
      } catch {
        // One part that cannot tell must not keep the others from being told.
      }
    }
    return { counters, gauges };
  }

  reset(): void {
    for (const count of this.#counters.values()) count.value = 0;
  }

  #check(name: string): void {
    if (typeof name !== 'string' || !NAME.test(name)) {
      throw new InvalidOptionError(
        `expected the name of a metric such as 'write_behind.acknowledged', got ${describeValue(name)}`,
      );
    }
    if (this.#counters.has(name) || this.#gauges.has(name)) {
      throw new InvalidOptionError(`there is a metric '${name}' already`);
    }
    if (this.#counters.size + this.#gauges.size >= MOST_NAMES) {
      throw new InvalidOptionError(`'${name}' is one name of a metric too many: ${MOST_NAMES} are allowed`);
    }
  }
}
