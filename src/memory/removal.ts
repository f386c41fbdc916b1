/** Why a value left, or did not get in. */
export type RemovalReason =
  /** The bytes or entries allowed were used up, and others were likelier to be asked for again. */
  | 'capacity'
  /** Its time to live was over. */
  | 'expired'
  /** Another value was set under its key. */
  | 'replaced'
  /** It was larger than the whole, or so large that it was not worth the many that would have had to leave. */
  | 'rejected'
  /** `delete`. */
  | 'deleted'
  /** `clear`. */
  | 'cleared';

/** How many values left for each reason, since the beginning. */
export type RemovalCounts = { [Reason in RemovalReason]: number };

export type RemovalListener<V> = (key: string, value: V, reason: RemovalReason) => void;

interface Removal<V> {
  readonly key: string;
  readonly value: V;
  readonly reason: RemovalReason;
}

/** Counts removals, and tells of them when the operation that removed is done, so that whoever is told may use the memory. */
export class Removals<V> {
  readonly #counts: RemovalCounts = {
    capacity: 0,
    expired: 0,
    replaced: 0,
    rejected: 0,
    deleted: 0,
    cleared: 0,
  };
  readonly #listener: RemovalListener<V> | undefined;
  #untold: Removal<V>[] = [];

  constructor(listener: RemovalListener<V> | undefined) {
    this.#listener = listener;
  }

  /** A copy. */
  get counts(): RemovalCounts {
    return { ...this.#counts };
  }

  /** Whether anybody is told: if not, what left without its key and value being looked at may be counted by number. */
  get areTold(): boolean {
    return this.#listener !== undefined;
  }

  count(reason: RemovalReason, by = 1): void {
    // Not `this.#counts[reason]`: a property named at run time costs ten times as much to find.
    switch (reason) {
      case 'capacity':
        this.#counts.capacity += by;
        break;
      case 'expired':
        this.#counts.expired += by;
        break;
      case 'replaced':
        this.#counts.replaced += by;
        break;
      case 'rejected':
        this.#counts.rejected += by;
        break;
      case 'deleted':
        this.#counts.deleted += by;
        break;
      case 'cleared':
        this.#counts.cleared += by;
        break;
      default:
        reason satisfies never;
    }
  }

  add(key: string, value: V, reason: RemovalReason): void {
    this.count(reason);
    if (this.#listener) this.#untold.push({ key, value, reason });
  }

  /** @throws the first thing that the listener throws, when it was told of all. */
  tell(): void {
    if (this.#untold.length === 0) return;
    const removals = this.#untold;
    this.#untold = [];
    const thrown: unknown[] = [];
    for (const { key, value, reason } of removals) {
      try {
        this.#listener?.(key, value, reason);
      } catch (error) {
        thrown.push(error);
      }
    }
    if (thrown.length > 0) throw thrown[0];
  }
}
