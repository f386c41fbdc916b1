import { repeated, ServerError, type CacheError } from '../errors.js';
import type { CommandArgument, Reader, Reply } from './port.js';

/** What one read command may ask for: more would hold up others, since the server carries out one command at a time. */
const MOST_KEYS = 500;
/** And about how many bytes may come back for one. */
const MOST_BYTES = 256 * 1024;
/** Weight of the newest answer in the running mean of the size of a value, unless many have become larger. */
const LEARNING = 0.2;

/** The reads of one command: the n-th reader waits for the n-th key. Columns, since an object a read would cost more than the read. */
interface Reads {
  readonly keys: string[];
  readonly readers: Reader[];
  readonly slots: number[];
}

/** How keys are read of which not all may share a command, as on a Cluster. */
export interface ApartReads {
  /** Keys of which it says the same may share a command, and of undefined none. */
  readonly togetherBy: (key: string) => string | undefined;
  /** Reads one key by the common deadline. */
  readonly read: (key: string, reader: Reader, slot: number) => void;
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
  readonly #apart: ApartReads | undefined;
  #waiting: Reads = noReads();
  /** Whose reads are waiting. */
  #source: object | undefined;
  /** Whether a key may be among them twice. */
  #mayRepeat = false;
  #meanBytes = 512;
  readonly #flushNow = (): void => this.#flush();

  /**
   * @param send - sends one command, by the common deadline.
   * @param apart - where not all keys may share a command.
   */
  constructor(send: (args: readonly CommandArgument[]) => Promise<Reply>, apart?: ApartReads) {
    this.#send = send;
    this.#apart = apart;
  }

  get(key: string): Promise<Buffer | null> {
    return new Promise((received, failed) => this.read(key, { received, failed }, 0, undefined));
  }

  /** See `RedisPort.readTo`. */
  read(key: string, reader: Reader, slot: number, source: object | undefined): void {
    const { keys, readers, slots } = this.#waiting;
    // nextTick comes after all promises settled in this turn were followed, so their readers are in.
    if (keys.length === 0) {
      process.nextTick(this.#flushNow);
      this.#source = source;
    } else if (source === undefined || source !== this.#source) {
      this.#mayRepeat = true;
    }
    keys.push(key);
    readers.push(reader);
    slots.push(slot);
  }

  #flush(): void {
    const reads = this.#mayRepeat ? distinct(this.#waiting) : this.#waiting;
    this.#waiting = noReads();
    this.#source = undefined;
    this.#mayRepeat = false;
    if (this.#apart) this.#askApart(reads, this.#apart);
    else this.#askTogether(reads);
  }

  /** A pipeline of single reads, but for the keys that may share a command. */
  #askApart({ keys, readers, slots }: Reads, { togetherBy, read }: ApartReads): void {
    const groups = new Map<string, Reads>();
    for (const [i, key] of keys.entries()) {
      const name = togetherBy(key);
      if (name === undefined) {
        read(key, readers[i] as Reader, slots[i] as number);
        continue;
      }
      let group = groups.get(name);
      if (!group) groups.set(name, (group = noReads()));
      group.keys.push(key);
      group.readers.push(readers[i] as Reader);
      group.slots.push(slots[i] as number);
    }
    for (const group of groups.values()) this.#askTogether(group);
  }

  #askTogether(reads: Reads): void {
    const count = reads.keys.length;
    const most = Math.max(1, Math.min(MOST_KEYS, Math.floor(MOST_BYTES / this.#meanBytes)));
    if (count <= most) {
      this.#ask(reads);
      return;
    }
    for (let start = 0; start < count; start += most) {
      const end = start + most;
      this.#ask({
        keys: reads.keys.slice(start, end),
        readers: reads.readers.slice(start, end),
        slots: reads.slots.slice(start, end),
      });
    }
  }

  #ask(reads: Reads): void {
    const { keys } = reads;
    const single = keys.length === 1;
    this.#send(single ? ['GET', ...keys] : ['MGET', ...keys]).then(
      (reply) => this.#answer(reads, single ? [reply] : reply),
      (error: unknown) => fail(reads, error as CacheError),
    );
  }

  #answer({ readers, slots }: Reads, replies: Reply): void {
    const isWhole = Array.isArray(replies) && replies.length === readers.length;
    let bytes = 0;
    for (let i = 0; i < readers.length; i++) {
      const reply: Reply = isWhole ? replies[i] : undefined;
      const reader = readers[i] as Reader;
      const slot = slots[i] as number;
      if (reply instanceof Buffer) {
        bytes += reply.length;
        reader.received(reply, slot);
      } else if (reply === null) {
        reader.received(null, slot);
      } else {
        reader.failed(new ServerError('Redis answered a read with something else than bytes'), slot);
      }
    }
    const mean = bytes / readers.length;
    // That many values are larger is believed at once: asking for too many holds up everyone, asking for too few costs little.
    const weight = readers.length > 1 && mean > this.#meanBytes ? 1 : LEARNING;
    this.#meanBytes += weight * (mean - this.#meanBytes);
  }
}

function noReads(): Reads {
  return { keys: [], readers: [], slots: [] };
}

/** Several who read one key. */
class Several implements Reader {
  readonly #readers: Reader[];
  readonly #slots: number[];

  constructor(first: Reader, slot: number) {
    this.#readers = [first];
    this.#slots = [slot];
  }

  add(reader: Reader, slot: number): void {
    this.#readers.push(reader);
    this.#slots.push(slot);
  }

  received(bytes: Buffer | null): void {
    for (const [i, reader] of this.#readers.entries()) reader.received(bytes, this.#slots[i] as number);
  }

  failed(error: CacheError): void {
    fail({ readers: this.#readers, slots: this.#slots }, error);
  }
}

/** The same reads with each key once. */
function distinct(reads: Reads): Reads {
  const places = new Map<string, number>();
  const { keys, readers, slots } = noReads();
  for (const [i, key] of reads.keys.entries()) {
    const reader = reads.readers[i] as Reader;
    const slot = reads.slots[i] as number;
    const place = places.get(key);
    if (place === undefined) {
      places.set(key, keys.length);
      keys.push(key);
      readers.push(reader);
      slots.push(slot);
      continue;
    }
    const first = readers[place] as Reader;
    const several = first instanceof Several ? first : new Several(first, slots[place] as number);
    several.add(reader, slot);
    readers[place] = several;
  }
  return { keys, readers, slots };
}

function fail({ readers, slots }: Pick<Reads, 'readers' | 'slots'>, error: CacheError): void {
  for (const [i, reader] of readers.entries()) {
    reader.failed(i === 0 ? error : repeated(error), slots[i] as number);
  }
}
