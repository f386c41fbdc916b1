import { Histogram } from './histogram.js';
import type { LatencySnapshot, MeasuredLayer, MeasuredOperation, MeasuredOutcome } from './snapshot.js';

/** The durations of one kind of operation with one kind of end. Most kinds never happen: the buckets come with the first. */
export class TimedOperation {
  readonly #layer: MeasuredLayer;
  readonly #operation: MeasuredOperation;
  readonly #outcome: MeasuredOutcome;
  #histogram: Histogram | undefined;

  constructor(layer: MeasuredLayer, operation: MeasuredOperation, outcome: MeasuredOutcome) {
    this.#layer = layer;
    this.#operation = operation;
    this.#outcome = outcome;
  }

  /** @param milliseconds - with fractions; NaN for one that was not timed, which is not recorded. */
  record(milliseconds: number): void {
    (this.#histogram ??= new Histogram()).record(milliseconds);
  }

  /**
   * Undefined where it never happened.
   *
   * @param happened - how often it did; left out where all are timed.
   */
  snapshot(happened?: number): LatencySnapshot | undefined {
    const recorded = this.#histogram?.snapshot();
    if (!recorded || recorded.count === 0) return undefined;
    return {
      layer: this.#layer,
      operation: this.#operation,
      outcome: this.#outcome,
      timedOneIn: happened === undefined ? 1 : Math.max(1, happened / recorded.count),
      ...recorded,
    };
  }

  reset(): void {
    this.#histogram?.reset();
  }
}

/** One operation that ends well or not. */
export interface TimedAttempts {
  readonly ok: TimedOperation;
  readonly error: TimedOperation;
}

/** How long everything takes, over all namespaces: a histogram for each would be too much of them. */
export class Latencies {
  readonly #all: TimedOperation[] = [];
  readonly memoryHit = new TimedOperation('memory', 'get', 'hit');
  readonly redisHit = this.#kind('redis', 'get', 'hit');
  readonly redisMiss = this.#kind('redis', 'get', 'miss');
  readonly redisError = this.#kind('redis', 'get', 'error');
  readonly getMany = this.#attempts('redis', 'getMany');
  readonly set = this.#attempts('redis', 'set');
  readonly setMany = this.#attempts('redis', 'setMany');
  readonly delete = this.#attempts('redis', 'delete');
  readonly deleteMany = this.#attempts('redis', 'deleteMany');
  readonly lease = { ...this.#attempts('redis', 'lease'), refused: this.#kind('redis', 'lease', 'refused') };
  readonly fill = { ...this.#attempts('redis', 'fill'), refused: this.#kind('redis', 'fill', 'refused') };
  readonly invalidateTags = this.#attempts('redis', 'invalidateTags');
  readonly load = this.#attempts('load', 'load');

  /** @param memoryHits - how many there were: they are timed by a sample. */
  snapshot(memoryHits: number): LatencySnapshot[] {
    return [
      this.memoryHit.snapshot(memoryHits) ?? [],
      ...this.#all.map((operation) => operation.snapshot() ?? []),
    ].flat();
  }

  reset(): void {
    this.memoryHit.reset();
    for (const operation of this.#all) operation.reset();
  }

  #attempts(layer: MeasuredLayer, operation: MeasuredOperation): TimedAttempts {
    return { ok: this.#kind(layer, operation, 'ok'), error: this.#kind(layer, operation, 'error') };
  }

  #kind(layer: MeasuredLayer, operation: MeasuredOperation, outcome: MeasuredOutcome): TimedOperation {
    const kind = new TimedOperation(layer, operation, outcome);
    this.#all.push(kind);
    return kind;
  }
}
