import type { CacheError } from '../errors.js';
import type { Driver, Tracking } from './connection.js';
import { LinkPool } from './link-pool.js';
import type { PoolSettings } from './options.js';
import type { Command, PortState, Reader, Receiver, RedisPort, Reply, StateChange } from './port.js';
import { Replies } from './replies.js';
import { ServerClock } from './server-clock.js';
import { untilReady } from './until-ready.js';

/** `RedisPort` over one server. */
export class SingleServerPort implements RedisPort {
  readonly address: string;
  readonly #settings: PoolSettings;
  readonly #clock: ServerClock;
  readonly #pool: LinkPool;
  readonly #changeListeners: Array<(key: string | null) => void> = [];
  readonly #lagListeners: Array<(milliseconds: number) => void> = [];
  readonly tracking: boolean;
  readonly failsOver: boolean;

  /**
   * @param tracking - what the server is to tell of; nothing if left out.
   * @param clock - where the server's time is kept; by default one of its own.
   */
  constructor(driver: Driver, settings: PoolSettings, tracking?: Tracking, clock = new ServerClock()) {
    this.address = driver.address;
    this.#settings = settings;
    this.#clock = clock;
    this.tracking = tracking !== undefined;
    this.failsOver = driver.failsOver ?? false;
    const listener = (key: string | null): void => {
      for (const tell of this.#changeListeners) tell(key);
    };
    const onLag = (milliseconds: number): void => {
      for (const tell of this.#lagListeners) tell(milliseconds);
    };
    this.#pool = new LinkPool(driver, settings, this.#clock, tracking && { tracking, listener, onLag });
  }

  get state(): PortState {
    return this.#pool.state;
  }

  get servers(): readonly RedisPort[] {
    return [this];
  }

  connect(): Promise<void> {
    return untilReady(this.#pool.first, this.address, this.#settings);
  }

  get(key: string, deadline?: number): Promise<Buffer | null> {
    return this.#pool.for(key).get(key, deadline);
  }

  readTo(key: string, reader: Reader, slot: number, source: object | undefined): void {
    this.#pool.for(key).readTo(key, reader, slot, source);
  }

  getMany(keys: readonly string[], deadline?: number): Promise<Array<Buffer | null | CacheError>> {
    return Replies.of<Buffer | null>(keys.length, (answers) => {
      for (const [slot, key] of keys.entries()) {
        if (deadline === undefined) this.readTo(key, answers, slot, undefined);
        else this.#pool.for(key).sendTo(['GET', key], answers, slot, deadline);
      }
    });
  }

  send({ key, args }: Command, deadline?: number): Promise<Reply> {
    return this.#pool.for(key).send(args, deadline);
  }

  sendTo({ key, args }: Command, receiver: Receiver<Reply>, slot: number): void {
    this.#pool.for(key).sendTo(args, receiver, slot);
  }

  sendAll(commands: readonly Command[], deadline?: number): Promise<Array<Reply | CacheError>> {
    return Replies.of<Reply>(commands.length, (replies) => {
      for (const [slot, { key, args }] of commands.entries()) {
        this.#pool.for(key).sendTo(args, replies, slot, deadline);
      }
    });
  }

  deadline(): number {
    return performance.now() + this.#settings.commandTimeout;
  }

  serverNow(): number {
    return this.#clock.now();
  }

  onStateChange(listener: (change: StateChange) => void): () => void {
    return this.#pool.onStateChange(listener);
  }

  onInvalidate(listener: (key: string | null) => void): void {
    this.#changeListeners.push(listener);
  }

  onLag(listener: (milliseconds: number) => void): void {
    this.#lagListeners.push(listener);
  }

  lastHeard(): number {
    return Math.min(...this.#pool.open.map((link) => link.lastHeard));
  }

  async close(): Promise<void> {
    // Answers come in order: when these have theirs, all that was asked before has, too.
    const last = this.#pool.open
      .filter(({ state }) => state === 'ready' || state === 'connecting')
      .map((link) => settled(link.send(['PING'])));
    await Promise.all(last);
    this.#pool.close();
  }
}
export function settled<T>(reply: Promise<T>): Promise<T | CacheError> {
  return reply.catch((error: unknown) => error as CacheError);
}
