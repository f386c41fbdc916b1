import { DeadlineError, type CacheError } from '../errors.js';
import type { DeadlineBatch, Expirable } from '../resilience/deadline-batch.js';
import type { Reply } from './port.js';

/** What a command under way needs to know of the connection that carries it. */
export interface ReplyObserver {
  /** An answer came, of whatever kind and however late: the server speaks. */
  answered(): void;
  /** The command ended without an answer: the connection went. */
  dropped(): void;
  toCacheError(error: unknown): CacheError;
  isReplyError(error: unknown): boolean;
}

/** One written command whose caller waits. It settles once: by the answer, by the loss of the link, or by the deadline. */
export class PendingReply implements Expirable {
  settled = false;
  readonly #observer: ReplyObserver;
  readonly #batch: DeadlineBatch;
  readonly #resolve: (reply: Reply) => void;
  readonly #reject: (error: CacheError) => void;

  constructor(
    observer: ReplyObserver,
    batch: DeadlineBatch,
    resolve: (reply: Reply) => void,
    reject: (error: CacheError) => void,
  ) {
    this.#observer = observer;
    this.#batch = batch;
    this.#resolve = resolve;
    this.#reject = reject;
    batch.add(this);
  }

  /** Takes over the outcome of the client's own promise. */
  follow(sent: Promise<Reply>): void {
    sent.then(
      (reply) => {
        this.#observer.answered();
        if (this.#settle()) this.#resolve(reply);
      },
      (error: unknown) => {
        if (this.#observer.isReplyError(error)) this.#observer.answered();
        else this.#observer.dropped();
        if (this.#settle()) this.#reject(this.#observer.toCacheError(error));
      },
    );
  }

  expire(): void {
    this.settled = true;
    this.#reject(
      new DeadlineError('Redis did not answer by the deadline; whether it did as told is unknown'),
    );
  }

  #settle(): boolean {
    if (this.settled) return false;
    this.settled = true;
    this.#batch.settle();
    return true;
  }
}
