import { portIn } from '../../cluster/reply-number.js';
import { textOf } from '../../cluster/text-of.js';
import { AuthenticationError, ConnectionError, MissingPeerError, type CacheError } from '../../errors.js';
import { delay } from '../../runtime/delay.js';
import type { Connection, Driver } from '../connection.js';
import type { Reply } from '../port.js';
import { RedisLink, type LinkSettings } from '../link.js';
import { ServerClock } from '../server-clock.js';
import { fieldOf } from '../reply-field.js';

/** Where a sentinel says the primary is. */
export interface PrimaryAddress {
  readonly host: string;
  readonly port: number;
  /** Counts the failovers there were: of two sentinels that disagree, the one with the higher number is right. */
  readonly epoch: number;
}

const LINK: LinkSettings = {
  connectTimeout: 2000,
  commandTimeout: 250,
  heartbeatInterval: 60_000, // the questions themselves show whether it lives
  retryDelay: { min: 100, max: 1000 },
  maxInFlight: 1000,
};
/** Milliseconds between questions while there is a primary, and while one is sought. */
const CALM = 1000;
const SEEKING = 100;
/** How long the answers of other sentinels are waited for once there is one. */
const GRACE = 50;
const CHANNEL = '+switch-master';
/** One that cannot be counted exactly is none: it would be believed for good. */
const EPOCH = /^\d{1,15}$/;

/**
 * Asks all sentinels where the primary is, and tells when that changes: at once when one of them publishes it, and by asking
 * again and again, since a sentinel that is cut off publishes nothing.
 *
 * Sentinels disagree for a while during a failover, and one that was cut off or has just come back tells of the past. Each
 * says with which configuration epoch it knows the primary; the highest is believed. (Redis documentation, "Guidelines for
 * Redis clients with support for Redis Sentinel", asks one after the other and leaves it at the first answer.)
 */
export class PrimaryWatch {
  readonly #name: string;
  readonly #drivers: readonly Driver[];
  readonly #links: RedisLink[] = [];
  readonly #answers = new Map<RedisLink, PrimaryAddress>();
  readonly #listeners = new Set<() => void>();
  #primary: PrimaryAddress | undefined;
  #seekers = 0;
  #closed = false;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param name - of the primary.
   * @param drivers - one for each sentinel.
   */
  constructor(name: string, drivers: readonly Driver[]) {
    this.#name = name;
    this.#drivers = drivers.map(announcing);
  }

  /** Where the primary is by the latest answers; undefined where nobody has answered yet. */
  get primary(): PrimaryAddress | undefined {
    return this.#primary;
  }

  /** Calls the listener after every round of questions. Returns what ends that. */
  onRound(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Asks more often until what is returned is called. */
  seek(): () => void {
    this.#seekers++;
    this.#schedule();
    return () => void this.#seekers--;
  }

  /** Asks now. @throws CacheError where no sentinel can tell. */
  async ask(): Promise<PrimaryAddress> {
    if (this.#closed) throw new ConnectionError('the sentinels are not asked any more', { sent: false });
    if (this.#links.length === 0) this.#open();
    const failures: unknown[] = [];
    const rounds = this.#links.map((link) =>
      this.#askOne(link).then(
        (answer) => void this.#answers.set(link, answer),
        (error: unknown) => {
          this.#answers.delete(link);
          failures.push(error);
          throw error;
        },
      ),
    );
    const all = Promise.allSettled(rounds);
    const grace = delay(GRACE);
    await Promise.any(rounds).then(
      () => Promise.race([all, grace.passed]),
      () => undefined,
    );
    grace.cancel();
    this.#conclude();
    // Late answers count too, and may tell of another primary.
    void all.then(() => this.#conclude());
    if (this.#answers.size === 0 || !this.#primary) throw this.#failure(failures);
    return this.#primary;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#listeners.clear();
    for (const link of this.#links) link.close();
  }

  #open(): void {
    const heard = (): void => this.#round();
    for (const driver of this.#drivers) {
      this.#links.push(
        new RedisLink(driver, LINK, new ServerClock(), { tracking: { of: 'reads' }, listener: heard }),
      );
    }
    this.#schedule();
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    this.#timer = setTimeout(() => this.#round(), this.#seekers > 0 ? SEEKING : CALM).unref();
  }

  #round(): void {
    this.#schedule();
    this.ask().catch(() => undefined); // whoever needs the answer asks for it, and is told
  }

  async #askOne(link: RedisLink): Promise<PrimaryAddress> {
    // A first connection may take longer than an answer.
    const deadline = link.state === 'connecting' ? performance.now() + LINK.connectTimeout : undefined;
    const [status, address] = await Promise.all([
      link.send(['SENTINEL', 'MASTER', this.#name], deadline),
      link.send(['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', this.#name], deadline),
    ]);
    const answer = readPrimaryAddress(status, address);
    if (!answer) {
      throw new ConnectionError(`a sentinel answered something else than the address of ${this.#name}`);
    }
    return answer;
  }

  #conclude(): void {
    if (this.#closed) return;
    let newest: PrimaryAddress | undefined;
    for (const answer of this.#answers.values()) {
      if (!newest || answer.epoch > newest.epoch) newest = answer;
      else if (answer.epoch === newest.epoch && isSame(answer, this.#primary)) newest = answer;
    }
    if (newest) this.#primary = newest;
    for (const listener of this.#listeners) listener();
  }

  #failure(failures: readonly unknown[]): CacheError {
    for (const { cause } of this.#links) {
      if (cause instanceof AuthenticationError || cause instanceof MissingPeerError) return cause;
    }
    const [cause] = failures;
    const why = cause instanceof Error ? `: ${cause.message}` : '';
    return new ConnectionError(`no sentinel tells where the primary '${this.#name}' is${why}`, {
      cause,
      sent: false,
    });
  }
}

/** Undefined for what a server that is no sentinel may answer: the primary is connected to wherever this says. */
function readPrimaryAddress(status: Reply, address: Reply): PrimaryAddress | undefined {
  if (!Array.isArray(address)) return undefined;
  const [host, port] = [textOf(address[0]), portIn(address[1])];
  const epoch = fieldOf(status, 'config-epoch') ?? '';
  if (host === '' || port === undefined || !EPOCH.test(epoch)) return undefined;
  return { host, port, epoch: Number(epoch) };
}

export function isSame(one: PrimaryAddress, other: PrimaryAddress | undefined): boolean {
  return one.host === other?.host && one.port === other.port;
}

/** The changes that a sentinel tells of are those of the primary. */
function announcing(driver: Driver): Driver {
  return {
    name: driver.name,
    address: driver.address,
    isReplyError: (error) => driver.isReplyError(error),
    async open(signal) {
      const connection = await driver.open(signal);
      return {
        send: (args) => connection.send(args),
        onLost: (listener) => connection.onLost(listener),
        track: async (_, listener) => subscribe(connection, () => listener(null)),
        release: () => connection.release(),
      };
    },
  };
}

async function subscribe(connection: Connection, listener: () => void): Promise<void> {
  if (!connection.subscribe) throw new ConnectionError('this client cannot subscribe to a channel');
  await connection.subscribe(CHANNEL, listener);
}
