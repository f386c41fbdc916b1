import type { BatchFailure, BatchProgress, BatchSummary } from './batch-types.js';

/** A summary must stay small when Redis is away during the import of a million rows. */
const MOST_FAILURES = 100;

/** Counts what becomes of some operations, and tells when all of them have settled. */
export class BatchTally {
  #done = 0;
  #notDone = 0;
  #unknown = 0;
  #waiting = 0;
  readonly #failures: BatchFailure[] = [];
  #whenSettled: Array<() => void> = [];
  readonly #sum: BatchTally | undefined;

  /** @param sum - counts what this one counts, and more. */
  constructor(sum?: BatchTally) {
    this.#sum = sum;
  }

  get waiting(): number {
    return this.#waiting;
  }

  given(): void {
    this.#waiting++;
    this.#sum?.given();
  }

  succeeded(): void {
    this.#done++;
    this.#sum?.succeeded();
    this.#settle();
  }

  failed(failure: BatchFailure): void {
    if (failure.outcome === 'unknown') this.#unknown++;
    else this.#notDone++;
    if (this.#failures.length < MOST_FAILURES) this.#failures.push(failure);
    this.#sum?.failed(failure);
    this.#settle();
  }

  /** Resolves when nothing waits any more. */
  settled(): Promise<void> {
    if (this.#waiting === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenSettled.push(resolve));
  }

  progress(): BatchProgress {
    const [waiting, done, notDone, unknown] = [this.#waiting, this.#done, this.#notDone, this.#unknown];
    return { given: waiting + done + notDone + unknown, waiting, done, notDone, unknown };
  }

  summary(): BatchSummary {
    return { ...this.progress(), failures: [...this.#failures] };
  }

  #settle(): void {
    if (--this.#waiting > 0 || this.#whenSettled.length === 0) return;
    const told = this.#whenSettled;
    this.#whenSettled = [];
    for (const tell of told) tell();
  }
}
