import { CacheError, ServerError, type CacheErrorDetails } from '../errors.js';
import type { CommandArgument, Reply } from '../redis/port.js';

/** What one read command may ask for: more would hold up others, since the server carries out one command at a time. */
const MOST_KEYS = 500;
/** And about how many bytes may come back for one. */
const MOST_BYTES = 256 * 1024;
/** Weight of the newest answer in the running mean of the size of a value. */
const LEARNING = 0.2;

interface Waiting {
  readonly key: string;
  readonly outcome: Promise<Buffer | null>;
  readonly resolve: (bytes: Buffer | null) => void;
  readonly reject: (error: CacheError) => void;
}

/**
 * Makes the single reads of one turn of the event loop one MGET, and asks for a key once however many want it.
 *
 * A command costs the client and the server several times what one more key in a command does. Nothing waits for a timer: the
 * batch goes when all that this turn had to do is done, so a lone read goes as soon as it would have gone by itself. How many
 * keys go into one command depends on how large the values were of late.
 */
export class ReadCoalescer {
  readonly #send: (args: readonly CommandArgument[]) => Promise<Reply>;
  #waiting: Waiting[] = [];
  #byKey = new Map<string, Waiting>();
  #meanBytes = 512;

  /** @param send - sends one command, by the common deadline. */
  constructor(send: (args: readonly CommandArgument[]) => Promise<Reply>) {
    this.#send = send;
  }

  get(key: string): Promise<Buffer | null> {
    const asked = this.#byKey.get(key);
    if (asked) return asked.outcome;
    // nextTick comes after all promises settled in this turn were followed, so their readers are in.
    if (this.#waiting.length === 0) process.nextTick(() => this.#flush());
    let resolve: Waiting['resolve'] | undefined;
    let reject: Waiting['reject'] | undefined;
    const outcome = new Promise<Buffer | null>((yes, no) => {
      resolve = yes;
      reject = no;
    });
    const waiting = { key, outcome, resolve, reject } as Waiting;
    this.#waiting.push(waiting);
    this.#byKey.set(key, waiting);
    return outcome;
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#byKey = new Map();
    const most = this.#keysPerCommand();
    if (waiting.length <= most) this.#ask(waiting);
    else
      for (let start = 0; start < waiting.length; start += most)
        this.#ask(waiting.slice(start, start + most));
  }

  #keysPerCommand(): number {
    return Math.max(1, Math.min(MOST_KEYS, Math.floor(MOST_BYTES / this.#meanBytes)));
  }

  #ask(part: readonly Waiting[]): void {
    const [only] = part;
    if (!only) return;
    const single = part.length === 1;
    const args = single ? ['GET', only.key] : ['MGET', ...part.map(({ key }) => key)];
    this.#send(args).then(
      (reply) => this.#answer(part, single ? [reply] : reply),
      (error: unknown) => {
        for (const [i, { reject }] of part.entries())
          reject(i === 0 ? (error as CacheError) : another(error));
      },
    );
  }

  #answer(part: readonly Waiting[], replies: Reply): void {
    if (!Array.isArray(replies) || replies.length !== part.length) {
      for (const { reject } of part)
        reject(new ServerError('Redis answered MGET with something else than its values'));
      return;
    }
    let bytes = 0;
    for (const [i, { resolve, reject }] of part.entries()) {
      const reply: Reply = replies[i];
      if (Buffer.isBuffer(reply)) {
        bytes += reply.length;
        resolve(reply);
      } else if (reply === null) resolve(null);
      else reject(new ServerError('Redis answered a read with something else than bytes'));
    }
    this.#meanBytes += LEARNING * (bytes / part.length - this.#meanBytes);
  }
}

/** The same error once more: each is later told its own key, so that the keys of one command cannot share it. */
function another(error: unknown): CacheError {
  if (!(error instanceof CacheError)) return error as CacheError;
  const { constructor, message, cause, operation } = error;
  return new (constructor as new (text: string, details: CacheErrorDetails) => CacheError)(message, {
    cause,
    operation,
  });
}
