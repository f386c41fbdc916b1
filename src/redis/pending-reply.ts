import { DeadlineError, type CacheError } from '../errors.js';
import type { DeadlineBatch, Expirable } from '../resilience/deadline-batch.js';
import type { OwnChange } from './own-changes.js';
import type { Receiver, Reply } from './port.js';

/** What a command under way needs to know of the connection that carries it. */
export interface ReplyObserver {
  /**
   * An answer came, of whatever kind and however late: the server speaks.
   *
   * @param change - what the command may have changed, and the answer says whether it did; undefined of an error.
   */
  answered(change: OwnChange | undefined, reply: Reply): void;
  /** The command ended without an answer: the connection went. */
  dropped(): void;
  toCacheError(error: unknown): CacheError;
  isReplyError(error: unknown): boolean;
}

/** One written command for whose answer somebody waits. It settles once: by the answer, by the loss of the link, or by the deadline. */
export class PendingReply implements Expirable {
  settled = false;
  readonly #observer: ReplyObserver;
  readonly #batch: DeadlineBatch;
  readonly #receiver: Receiver<Reply>;
  readonly #slot: number;
  readonly #change: OwnChange | undefined;

  constructor(
    observer: ReplyObserver,
    batch: DeadlineBatch,
    receiver: Receiver<Reply>,
    slot: number,
    change: OwnChange | undefined,
  ) {
    this.#observer = observer;
    this.#batch = batch;
    this.#receiver = receiver;
    this.#slot = slot;
    this.#change = change;
    batch.add(this);
  }

  /** Takes over the outcome of the client's own promise. */
  follow(sent: Promise<Reply>): void {
    sent.then(
      (reply) => {
        this.#observer.answered(this.#change, reply);
        if (this.settled) return;
        this.settled = true;
        this.#batch.settle();
        this.#receiver.received(reply, this.#slot);
      },
      (error: unknown) => {
        if (this.#observer.isReplyError(error)) this.#observer.answered(undefined, undefined);
        else this.#observer.dropped();
        if (this.settled) return;
        this.settled = true;
        this.#batch.settle();
        this.#receiver.failed(this.#observer.toCacheError(error), this.#slot);
      },
    );
  }

  expire(): void {
    this.settled = true;
    this.#receiver.failed(
      new DeadlineError('Redis did not answer by the deadline; whether it did as told is unknown'),
      this.#slot,
    );
  }
}
