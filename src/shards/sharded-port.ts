import { AuthenticationError, MissingPeerError, type CacheError } from '../errors.js';
import { combinedState } from '../redis/combined-state.js';
import { hashTag } from '../redis/hash-tag.js';
import type { Command, PortState, Reader, Receiver, RedisPort, Reply, StateChange } from '../redis/port.js';
import type { ConsistentHash } from './consistent-hash.js';

export interface ShardedPortParts {
  /** Places keys on the shards, by their names. */
  readonly ring: ConsistentHash;
  /** All that the ring knows, and no other. */
  readonly shards: ReadonlyMap<string, RedisPort>;
  /** Milliseconds for one operation. */
  readonly commandTimeout: number;
}

/**
 * `RedisPort` over independent servers, each with its share of the keys (see `ConsistentHash`).
 *
 * Each shard keeps what it has of its own: links, deadlines, silence, tracking, and the reads of one turn as one command. So
 * bulk goes to all of them side by side, and one that is ill costs its own keys only: their commands fail at once, which
 * makes a miss and a load of them. No key is ever sought elsewhere meanwhile, since nobody could keep that place true to
 * invalidations (docs/decisions/0022-no-second-place-for-the-keys-of-a-lost-shard.md).
 *
 * Copies in memory are proven only while all shards tell of changes, and a new connection to any of them makes all copies
 * unproven: more than need be, and never less.
 */
export class ShardedPort implements RedisPort {
  readonly address: string;
  readonly tracking: boolean;
  readonly failsOver: boolean;
  readonly servers: readonly RedisPort[];
  readonly #shards: ReadonlyMap<string, RedisPort>;
  readonly #ring: ConsistentHash;
  readonly #commandTimeout: number;
  readonly #listeners = new Set<(change: StateChange) => void>();
  #state: PortState;

  constructor({ ring, shards, commandTimeout }: ShardedPortParts) {
    this.#ring = ring;
    this.#shards = shards;
    this.#commandTimeout = commandTimeout;
    this.servers = [...shards.values()];
    const places = [...shards].map(([name, { address }]) =>
      name === address ? name : `${name} (${address})`,
    );
    this.address = `the shards ${places.join(', ')}`;
    this.tracking = this.servers.every(({ tracking }) => tracking);
    this.failsOver = this.servers.some(({ failsOver }) => failsOver);
    this.#state = this.#combined();
    for (const server of this.servers) server.onStateChange((change) => this.#changed(change));
  }

  get state(): PortState {
    return this.#state;
  }

  /**
   * Resolves when every shard is connected, or was given up for now while others are there: one that is away must not keep the
   * application from starting. Rejects when none can be reached, and when one refuses the login or a package is missing.
   */
  async connect(): Promise<void> {
    const outcomes = await Promise.allSettled(this.servers.map((server) => server.connect()));
    const errors = outcomes.flatMap((outcome) =>
      outcome.status === 'rejected' ? [outcome.reason as unknown] : [],
    );
    const wrong = errors.find(
      (error) => error instanceof AuthenticationError || error instanceof MissingPeerError,
    );
    if (wrong !== undefined) throw wrong;
    if (errors.length === this.servers.length) throw errors[0];
  }

  /** By the hash tag where there is one: a script's keys must be on one server, and it is the first of them that is asked for. */
  shardOf(key: string): RedisPort {
    return this.#shards.get(this.#ring.get(hashTag(key) ?? key) as string) as RedisPort;
  }

  get(key: string, deadline?: number): Promise<Buffer | null> {
    return this.shardOf(key).get(key, deadline);
  }

  readTo(key: string, reader: Reader, slot: number, source: object | undefined): void {
    this.shardOf(key).readTo(key, reader, slot, source);
  }

  getMany(keys: readonly string[], deadline?: number): Promise<Array<Buffer | null | CacheError>> {
    return this.#side(
      keys,
      (key) => key,
      (server, own) => server.getMany(own, deadline),
    );
  }

  send(command: Command, deadline?: number): Promise<Reply> {
    return this.shardOf(command.key).send(command, deadline);
  }

  sendTo(command: Command, receiver: Receiver<Reply>, slot: number): void {
    this.shardOf(command.key).sendTo(command, receiver, slot);
  }

  sendAll(commands: readonly Command[], deadline?: number): Promise<Array<Reply | CacheError>> {
    return this.#side(
      commands,
      ({ key }) => key,
      (server, own) => server.sendAll(own, deadline),
    );
  }

  deadline(): number {
    return performance.now() + this.#commandTimeout;
  }

  /**
   * The slowest of the shards' clocks, and so ahead of none of them: an entry may stand on one shard, the records of its tags
   * on others, and the invalidation may take its time from yet another. A shard that was never reached has this process's own
   * clock for the time being; from the first connection on, its own.
   */
  serverNow(): number {
    let slowest = Infinity;
    for (const server of this.servers) slowest = Math.min(slowest, server.serverNow());
    return slowest;
  }

  onStateChange(listener: (change: StateChange) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  onInvalidate(listener: (key: string | null) => void): void {
    for (const server of this.servers) server.onInvalidate(listener);
  }

  onLag(listener: (milliseconds: number) => void): void {
    for (const server of this.servers) server.onLag(listener);
  }

  /** Of the shard that was silent for longest. */
  lastHeard(): number {
    return Math.min(...this.servers.map((server) => server.lastHeard()));
  }

  async close(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.close()));
  }

  /** Gives each shard its own part of a bulk in one go, and puts the answers in the order asked. */
  async #side<T, R>(
    items: readonly T[],
    keyOf: (item: T) => string,
    ask: (server: RedisPort, own: readonly T[]) => Promise<R[]>,
  ): Promise<R[]> {
    const parts = new Map<RedisPort, { readonly items: T[]; readonly places: number[] }>();
    for (const [place, item] of items.entries()) {
      const server = this.shardOf(keyOf(item));
      let part = parts.get(server);
      if (!part) parts.set(server, (part = { items: [], places: [] }));
      part.items.push(item);
      part.places.push(place);
    }
    const [only] = parts.keys();
    if (only && parts.size === 1) return ask(only, items);
    const answers = Array.from<R>({ length: items.length });
    await Promise.all(
      [...parts].map(async ([server, part]) => {
        for (const [i, answer] of (await ask(server, part.items)).entries())
          answers[part.places[i] ?? 0] = answer;
      }),
    );
    return answers;
  }

  #changed(change: StateChange): void {
    const previous = this.#state;
    this.#state = this.#combined();
    const together: StateChange = { ...change, state: this.#state, previous };
    for (const listener of this.#listeners) listener(together);
  }

  #combined(): PortState {
    return combinedState(this.servers.map(({ state }) => state));
  }
}
