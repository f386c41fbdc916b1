import { isMarker, type EntryHeader } from '../codec/entry.js';
import type { Compression } from '../codec/compression/compression.js';
import type { ValueSerializer } from '../codec/plain.js';
import type { DecodedValue, Unreadable } from '../codec/serializer.js';
import type { Duration } from '../duration.js';
import { attribute, BulkError, CacheError, CacheMissError, EncodeError, ServerError } from '../errors.js';
import type { CacheMetrics } from '../metrics/cache-metrics.js';
import type { NamespaceMetrics } from '../metrics/namespace-metrics.js';
import type { RedisOptions } from '../redis/options.js';
import type { Command, RedisPort, Reply } from '../redis/port.js';
import { answersWith } from '../redis/reply-error.js';
import { assertKey, distinctKeys, rejectUnknownOptions } from '../validate.js';
import { checkServers } from './check-servers.js';
import {
  clientParts,
  parseTtl,
  type CacheClientOptions,
  type ClientHealth,
  type ClientParts,
  type ClientStats,
  type WriteOptions,
} from './client-options.js';
import type { KeySpace } from './key-space.js';
import { replaceUnchanged } from './replace-unchanged.js';
import type { Serializers } from './serializers.js';

/** Keys in one pipeline of a bulk write; the next goes out when its answers are in, so that memory stays bounded. */
const KEYS_PER_PIPELINE = 1000;

/**
 * Typed values in one Redis deployment, and nothing else: no memory in the process, no loading. Reads and writes tell the
 * truth: they reject when Redis cannot be reached, and always by the deadline (`commandTimeout`, 250 ms).
 *
 * @example
 * const client = await CacheClient.connect('redis://localhost:6379', { namespace: 'shop' })
 * await client.set('user:1', { name: 'Ada' }, { ttl: '5m' })
 * await client.get('user:1')   // { name: 'Ada' }
 */
export class CacheClient implements AsyncDisposable {
  readonly #port: RedisPort;
  readonly #keys: KeySpace;
  readonly #prefix: string;
  readonly #serializers: Serializers;
  readonly #serializer: ValueSerializer;
  readonly #isPlain: boolean;
  readonly #ttl: number;
  readonly #compression: Compression | undefined;
  readonly #metrics: CacheMetrics;
  readonly #counts: NamespaceMetrics;

  /** Made by {@link CacheClient.connect}, or by a cache for itself. */
  constructor(parts: ClientParts) {
    this.#port = parts.port;
    this.#keys = parts.keys;
    this.#prefix = parts.keys.prefix;
    this.#serializers = parts.serializers;
    this.#serializer = parts.plain ?? parts.serializers.for(parts.keys);
    this.#isPlain = parts.plain !== undefined;
    this.#ttl = parts.ttl;
    this.#compression = parts.compression;
    this.#metrics = parts.metrics;
    this.#counts = parts.metrics.namespace(parts.keys.toString());
  }

  /**
   * Connects, and sees that the server answers.
   *
   * @param redis - default `redis://localhost:6379`.
   * @throws InvalidOptionError, at once; ConnectionError within `connectTimeout`; AuthenticationError.
   */
  static async connect(
    redis: RedisOptions = 'redis://localhost:6379',
    options: CacheClientOptions = {},
  ): Promise<CacheClient> {
    const parts = clientParts(redis, options);
    try {
      await parts.port.connect();
    } catch (error) {
      await parts.port.close();
      throw error instanceof CacheError ? attribute(error, 'connect') : error;
    }
    return new CacheClient(parts);
  }

  /** Counters and latencies of this client, and of those made from it by `namespace`. */
  get metrics(): CacheMetrics {
    return this.#metrics;
  }

  /** The same connection and counters under a namespace within this one. */
  namespace(name: string, options: { readonly ttl?: Duration } = {}): CacheClient {
    rejectUnknownOptions(options, ['ttl'], 'namespace');
    return new CacheClient({
      port: this.#port,
      keys: this.#keys.within(name),
      serializers: this.#serializers,
      ttl: parseTtl(options.ttl, this.#ttl),
      compression: this.#compression,
      metrics: this.#metrics,
    });
  }

  /** The value, or `undefined` where there is none or none that can be read. */
  async get<T = unknown>(key: string): Promise<T | undefined> {
    assertKey(key, 'get');
    const began = performance.now();
    try {
      const decoded = this.#decode(await this.#port.get(this.#prefix + key));
      const entry = decoded instanceof Promise ? await decoded : decoded;
      this.#counts.readFromRedis(entry ? 'hit' : 'miss', performance.now() - began, key);
      return entry?.value as T | undefined;
    } catch (error) {
      if (answersWith(error, 'WRONGTYPE')) {
        // A key of somebody else's, and no entry: counted as other bytes that are none.
        this.#counts.unreadable++;
        this.#counts.readFromRedis('miss', performance.now() - began, key);
        return undefined;
      }
      this.#counts.readFromRedis('error', performance.now() - began, key);
      throw this.#attributed(error, 'get', key);
    }
  }

  /** @throws CacheMissError when there is no value. */
  async getOrThrow<T = unknown>(key: string): Promise<T> {
    const value = await this.get<T>(key);
    if (value === undefined) {
      throw new CacheMissError(`there is no value under '${key}'`, { operation: 'getOrThrow', key });
    }
    return value;
  }

  /**
   * Resolves when Redis has the value, and rejects when it has not or that is unknown.
   *
   * @throws EncodeError for a value that could not be brought back, `undefined` among them.
   */
  async set(key: string, value: unknown, options: WriteOptions = {}): Promise<void> {
    assertKey(key, 'set');
    const ttl = this.#writeTtl(options, 'set');
    const began = performance.now();
    try {
      const command = this.#setCommand(key, value, ttl);
      // Not awaited where it is at hand, so that a read given in the same turn comes after it.
      const reply = await this.#port.send(command instanceof Promise ? await command : command);
      if (!isOk(reply)) throw new ServerError('Redis answered a SET with something else than OK');
      this.#counts.written(performance.now() - began);
    } catch (error) {
      this.#counts.writeFailed(performance.now() - began);
      throw this.#attributed(error, 'set', key);
    }
  }

  /** Whether there was something to delete. */
  async delete(key: string): Promise<boolean> {
    assertKey(key, 'delete');
    const began = performance.now();
    try {
      const removed = await this.#port.send(this.#deleteCommand(key));
      this.#counts.removed(performance.now() - began, true);
      return removed === 1;
    } catch (error) {
      this.#counts.removeFailed(performance.now() - began);
      throw this.#attributed(error, 'delete', key);
    }
  }

  async exists(key: string): Promise<boolean> {
    assertKey(key, 'exists');
    try {
      return isValue(await this.#port.send(this.#headCommand(key)));
    } catch (error) {
      throw this.#failed(error, 'exists', key);
    }
  }

  /** Milliseconds the entry has left: `Infinity` when it never expires, `undefined` when there is none. */
  async ttl(key: string): Promise<number | undefined> {
    assertKey(key, 'ttl');
    try {
      const [head, left] = await this.#port.sendAll([this.#headCommand(key), this.#command(key, ['PTTL'])]);
      for (const reply of [head, left]) if (reply instanceof CacheError) throw reply;
      if (!isValue(head) || left === -2) return undefined;
      return left === -1 ? Infinity : Number(left);
    } catch (error) {
      throw this.#failed(error, 'ttl', key);
    }
  }

  /** Gives the entry this long to live from now on. False when there is none. */
  async expire(key: string, ttl: Duration): Promise<boolean> {
    assertKey(key, 'expire');
    const lifetime = parseTtl(ttl, this.#ttl);
    try {
      if (this.#isPlain) return await this.#expirePlain(key, lifetime);
      return await replaceUnchanged(this.#port, this.#prefix + key, lifetime, async (bytes) => {
        const entry = await this.#decode(bytes);
        return entry && this.#prolonged(entry.value, entry.header, lifetime);
      });
    } catch (error) {
      throw this.#failed(error, 'expire', key);
    }
  }

  /**
   * The values found, in the order asked; keys without one are left out.
   *
   * @throws BulkError with every key that could not be read.
   */
  async getMany<T = unknown>(keys: Iterable<string>): Promise<Map<string, T>> {
    const asked = [...keys];
    const { found, failures } = await this.readMany<T>(asked);
    if (failures.size > 0) throw new BulkError(failures, asked.length, { operation: 'getMany' });
    return found;
  }

  /** The same for callers that want what could be read although some could not. */
  async readMany<T = unknown>(
    keys: Iterable<string>,
  ): Promise<{ found: Map<string, T>; failures: Map<string, CacheError> }> {
    const asked = distinctKeys(keys, 'getMany');
    const began = performance.now();
    const answers = await this.#port.getMany(asked.map((key) => this.#prefix + key));
    const took = performance.now() - began;
    this.#counts.getManyCalls++;
    const found = new Map<string, T>();
    const failures = new Map<string, CacheError>();
    // All of them before any is waited for: large ones are decompressed side by side.
    const entries = answers.map((answer) =>
      answer instanceof CacheError ? answer : this.#decode(answer ?? null),
    );
    for (const [i, key] of asked.entries()) {
      const begun = entries[i];
      const entry = begun instanceof Promise ? await begun : begun;
      if (entry instanceof CacheError) {
        failures.set(key, this.#attributed(entry, 'getMany', key));
        this.#counts.readFromRedis('error', NaN, key);
        continue;
      }
      this.#counts.readFromRedis(entry ? 'hit' : 'miss', NaN, key);
      if (entry) found.set(key, entry.value as T);
    }
    this.#counts.latencies.getMany[failures.size === 0 ? 'ok' : 'error'].record(took);
    return { found, failures };
  }

  /**
   * Writes each entry by itself, in one pipeline: some may be written though others fail.
   *
   * @throws BulkError with every key that was not written, or of which that is unknown.
   */
  async setMany(
    entries: Iterable<readonly [key: string, value: unknown]>,
    options: WriteOptions = {},
  ): Promise<void> {
    const values = new Map(entries);
    for (const key of values.keys()) assertKey(key, 'setMany');
    const ttl = this.#writeTtl(options, 'setMany');
    const began = performance.now();
    this.#counts.setManyCalls++;
    const failures = new Map<string, CacheError>();
    const begun: Array<readonly [key: string, command: Command | Promise<Command>]> = [];
    for (const [key, value] of values) {
      try {
        begun.push([key, this.#setCommand(key, value, ttl)]);
      } catch (error) {
        failures.set(key, this.#attributed(error, 'setMany', key));
      }
    }
    const commands: Array<Command & { readonly given: string }> = [];
    for (const [given, command] of begun) {
      commands.push({ ...(command instanceof Promise ? await command : command), given });
    }
    await this.#sendAll(commands, 'setMany', failures, () => void this.#counts.sets++);
    this.#counts.setErrors += failures.size;
    this.#counts.latencies.setMany[failures.size === 0 ? 'ok' : 'error'].record(performance.now() - began);
    if (failures.size > 0) throw new BulkError(failures, values.size, { operation: 'setMany' });
  }

  /**
   * How many of the keys had something to delete.
   *
   * @throws BulkError with every key that was not deleted, or of which that is unknown.
   */
  async deleteMany(keys: Iterable<string>): Promise<number> {
    const asked = distinctKeys(keys, 'deleteMany');
    const began = performance.now();
    this.#counts.deleteManyCalls++;
    const failures = new Map<string, CacheError>();
    const commands = asked.map((key) => ({ ...this.#deleteCommand(key), given: key }));
    let removed = 0;
    await this.#sendAll(commands, 'deleteMany', failures, (reply) => {
      this.#counts.removed(NaN, true);
      if (reply === 1) removed++;
    });
    this.#counts.deleteErrors += failures.size;
    this.#counts.latencies.deleteMany[failures.size === 0 ? 'ok' : 'error'].record(performance.now() - began);
    if (failures.size > 0) throw new BulkError(failures, asked.length, { operation: 'deleteMany' });
    return removed;
  }

  /** What was counted so far. Nothing is asked of Redis. */
  stats(): ClientStats {
    return { ...this.#metrics.snapshot(), state: this.#port.state };
  }

  /** Asks every server whether it is there; well is only who has an answer of all of them. Never rejects. */
  async healthCheck(): Promise<ClientHealth> {
    const began = performance.now();
    const servers = await checkServers(this.#port, this.#prefix);
    const error = servers.find((server) => server.error)?.error;
    return {
      healthy: error === undefined,
      state: this.#port.state,
      address: this.#port.address,
      latency: error ? undefined : performance.now() - began,
      error,
      servers,
    };
  }

  /** Waits for what is under way, at most until its deadline, then disconnects. A client of yours stays connected. */
  async close(): Promise<void> {
    await this.#port.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #sendAll(
    commands: ReadonlyArray<Command & { readonly given: string }>,
    operation: string,
    failures: Map<string, CacheError>,
    onSuccess: (reply: unknown) => void,
  ): Promise<void> {
    for (let start = 0; start < commands.length; start += KEYS_PER_PIPELINE) {
      const chunk = commands.slice(start, start + KEYS_PER_PIPELINE);
      const replies = await this.#port.sendAll(chunk);
      for (const [i, { given }] of chunk.entries()) {
        const reply = replies[i];
        if (reply instanceof CacheError) failures.set(given, this.#attributed(reply, operation, given));
        else onSuccess(reply);
      }
    }
  }

  #command(key: string, [name, ...rest]: readonly [string, ...string[]]): Command {
    const redisKey = this.#prefix + key;
    return { key: redisKey, args: [name, redisKey, ...rest] };
  }

  /** All that is known of a bare value is how long Redis keeps it. */
  async #expirePlain(key: string, lifetime: number): Promise<boolean> {
    const lengthening = lifetime === Infinity ? ['PERSIST'] : ['PEXPIRE', String(lifetime)];
    const [name = '', ...rest] = lengthening;
    const replies = await this.#port.sendAll([
      this.#command(key, [name, ...rest]),
      this.#command(key, ['EXISTS']),
    ]);
    for (const reply of replies) if (reply instanceof CacheError) throw reply;
    return replies[1] === 1;
  }

  /** As much of an entry as tells a value from a lease. */
  #headCommand(key: string): Command {
    return this.#command(key, ['GETRANGE', '0', '21']);
  }

  #deleteCommand(key: string): Command {
    return this.#command(key, ['UNLINK']);
  }

  #setCommand(key: string, value: unknown, ttl: number): Command | Promise<Command> {
    if (value === undefined) throw new EncodeError('undefined means a miss and cannot be stored');
    const redisKey = this.#prefix + key;
    const expiry = ttl === Infinity ? [] : ['PX', String(ttl)];
    const setting = (bytes: Buffer): Command => ({
      key: redisKey,
      args: ['SET', redisKey, bytes, ...expiry],
    });
    const encoded = this.#encode(value, ttl);
    return Buffer.isBuffer(encoded) ? setting(encoded) : encoded.then(setting);
  }

  #encode(value: unknown, ttl: number): Buffer | Promise<Buffer> {
    const freshFor = ttl === Infinity ? undefined : ttl;
    const fields = { createdAt: this.#port.serverNow(), freshFor };
    return this.#serializer.encode(value, fields, this.#compression);
  }

  /** The value remains as old as it is: what was invalidated since it was loaded must not count as loaded now. */
  #prolonged(value: unknown, { createdAt, cost, tags }: EntryHeader, ttl: number): Buffer | Promise<Buffer> {
    const age = Math.max(0, this.#port.serverNow() - createdAt);
    const fields = { createdAt, cost, tags, freshFor: ttl === Infinity ? undefined : age + ttl };
    return this.#serializer.encode(value, fields, this.#compression);
  }

  /** Bytes that are no entry of ours are a miss, and counted. A promise only where a value takes more than this turn. */
  #decode(bytes: Buffer | null): DecodedValue | undefined | Promise<DecodedValue | undefined> {
    if (bytes === null) return undefined;
    const decoded = this.#serializer.decode(bytes);
    if (decoded.ok) return decoded;
    if (decoded.reason === 'unfinished') return this.#finish(bytes);
    return this.#unreadable(decoded);
  }

  async #finish(bytes: Buffer): Promise<DecodedValue | undefined> {
    const decoded = await this.#serializer.finish(bytes);
    return decoded.ok ? decoded : this.#unreadable(decoded);
  }

  #unreadable({ reason }: Unreadable): undefined {
    if (reason !== 'marker') this.#counts.unreadable++;
  }

  #writeTtl(options: WriteOptions, operation: string): number {
    rejectUnknownOptions(options, ['ttl'], operation);
    return parseTtl(options.ttl, this.#ttl);
  }

  #failed(error: unknown, operation: string, key: string): CacheError {
    this.#counts.otherErrors++;
    return this.#attributed(error, operation, key);
  }

  #attributed(error: unknown, operation: string, key?: string): CacheError {
    // What is thrown below and is not ours is a mistake in this package: it must surface as it is.
    if (!(error instanceof CacheError)) throw error;
    return attribute(error, operation, key);
  }
}

/** Clients differ in whether a simple string comes as text. */
function isOk(reply: Reply): boolean {
  return reply === 'OK' || (Buffer.isBuffer(reply) && reply.toString() === 'OK');
}

/** A lease says that somebody loads the value; there is none yet. */
function isValue(head: Reply | CacheError): boolean {
  return Buffer.isBuffer(head) && head.length > 0 && !isMarker(head);
}
