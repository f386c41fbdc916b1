import type { CacheError } from '../errors.js';
import type { Receiver } from './port.js';

/** The answers to several things asked at once, each in its place: one promise for all of them. */
export class Replies<T> implements Receiver<T> {
  readonly #answers: Array<T | CacheError>;
  readonly #done: (answers: Array<T | CacheError>) => void;
  #missing: number;

  private constructor(count: number, done: (answers: Array<T | CacheError>) => void) {
    this.#answers = Array.from({ length: count });
    this.#done = done;
    this.#missing = count;
    if (count === 0) done([]);
  }

  /**
   * @param ask - asks `count` things, with their places as numbers.
   * @returns never rejects: an error stands in its place.
   */
  static of<T>(count: number, ask: (receiver: Receiver<T>) => void): Promise<Array<T | CacheError>> {
    return new Promise((resolve) => ask(new Replies<T>(count, resolve)));
  }

  received(answer: T, slot: number): void {
    this.#put(answer, slot);
  }

  failed(error: CacheError, slot: number): void {
    this.#put(error, slot);
  }

  #put(answer: T | CacheError, slot: number): void {
    this.#answers[slot] = answer;
    if (--this.#missing === 0) this.#done(this.#answers);
  }
}
