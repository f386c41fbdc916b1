import { CacheError, ServerError, type CacheErrorDetails } from '../errors.js';
import type { CommandArgument, Reader, Reply } from '../redis/port.js';

/** What one read command may ask for: more would hold up others, since the server carries out one command at a time. */
const MOST_KEYS = 500;
/** And about how many bytes may come back for one. */
const MOST_BYTES = 256 * 1024;
/** Weight of the newest answer in the running mean of the size of a value. */
const LEARNING = 0.2;

/** Usually one reader, whom a list of its own would cost more than the read. */
type Readers = Reader | Reader[];

/**
 * Makes the single reads of one turn of the event loop one MGET, and asks for a key once however many want it.
 *
 * A command costs the client and the server several times what one more key in a command does. Nothing waits for a timer: the
 * batch goes when all that this turn had to do is done, so a lone read goes as soon as it would have gone by itself. How many
 * keys go into one command depends on how large the values were of late.
 */
export class ReadCoalescer {
  readonly #send: (args: readonly CommandArgument[]) => Promise<Reply>;
  #waiting = new Map<string, Readers>();
  #meanBytes = 512;
  readonly #flushNow = (): void => this.#flush();

  /** @param send - sends one command, by the common deadline. */
  constructor(send: (args: readonly CommandArgument[]) => Promise<Reply>) {
    this.#send = send;
  }

  get(key: string): Promise<Buffer | null> {
    return new Promise((found, failed) => this.read(key, { found, failed }));
  }

  read(key: string, reader: Reader): void {
    // nextTick comes after all promises settled in this turn were followed, so their readers are in.
    if (this.#waiting.size === 0) process.nextTick(this.#flushNow);
    const others = this.#waiting.get(key);
    if (others === undefined) this.#waiting.set(key, reader);
    else if (Array.isArray(others)) others.push(reader);
    else this.#waiting.set(key, [others, reader]);
  }

  #flush(): void {
    const keys = [...this.#waiting.keys()];
    const readers = [...this.#waiting.values()];
    this.#waiting = new Map();
    const most = Math.max(1, Math.min(MOST_KEYS, Math.floor(MOST_BYTES / this.#meanBytes)));
    for (let start = 0; start < keys.length; start += most) {
      this.#ask(keys.slice(start, start + most), readers.slice(start, start + most));
    }
  }

  #ask(keys: readonly string[], readers: readonly Readers[]): void {
    const single = keys.length === 1;
    this.#send(single ? ['GET', ...keys] : ['MGET', ...keys]).then(
      (reply) => this.#answer(readers, single ? [reply] : reply),
      (error: unknown) => {
        for (const [i, some] of readers.entries())
          tell(some, i === 0 ? (error as CacheError) : another(error));
      },
    );
  }

  #answer(readers: readonly Readers[], replies: Reply): void {
    const isWhole = Array.isArray(replies) && replies.length === readers.length;
    let bytes = 0;
    for (let i = 0; i < readers.length; i++) {
      const reply: Reply = isWhole ? replies[i] : undefined;
      const some = readers[i] as Readers;
      if (Buffer.isBuffer(reply)) bytes += reply.length;
      if (Buffer.isBuffer(reply) || reply === null) tell(some, reply);
      else tell(some, new ServerError('Redis answered a read with something else than bytes'));
    }
    this.#meanBytes += LEARNING * (bytes / readers.length - this.#meanBytes);
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

function tell(readers: Readers, outcome: Buffer | null | CacheError): void {
  if (Array.isArray(readers)) {
    for (const [i, reader] of readers.entries()) {
      tell(reader, i > 0 && outcome instanceof CacheError ? another(outcome) : outcome);
    }
  } else if (outcome instanceof Error) readers.failed(outcome);
  else readers.found(outcome);
}
