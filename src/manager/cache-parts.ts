import { CacheClient } from '../client/cache-client.js';
import type { ClientHealth } from '../client/client-options.js';
import { KeySpace } from '../client/key-space.js';
import { leasePrefixes } from '../client/lease-key.js';
import { Serializers } from '../client/serializers.js';
import { PlainSerializer } from '../codec/plain.js';
import type { Serializer } from '../codec/serializer.js';
import { InvalidOptionError } from '../errors.js';
import { Coherence } from '../coherence/coherence.js';
import { Watches } from '../coherence/watches.js';
import type { CopyMemory } from '../layers/copy-memory.js';
import type { EntryPolicy } from '../layers/entry-policy.js';
import type { LayerContext, RedisParts } from '../layers/layer-context.js';
import { LoadGate } from '../layers/load-gate.js';
import { MultiLayerCache } from '../layers/multi-layer-cache.js';
import { NamespaceRecovery } from '../layers/namespace-recovery.js';
import { PlainTier } from '../layers/plain-tier.js';
import { SharedTier } from '../layers/shared-tier.js';
import { TagTable } from '../layers/tag-table.js';
import { barrier, NO_BARRIER } from '../memory/isolation.js';
import type { Isolation } from '../memory/memory-store.js';
import type { CacheMetrics } from '../metrics/cache-metrics.js';
import { errors, states } from '../metrics/channels.js';
import type { NamespaceMetrics } from '../metrics/namespace-metrics.js';
import { Observers } from '../metrics/observers.js';
import type { RedisPort } from '../redis/port.js';
import type { MemoryReport, MemoryReportOptions } from '../report/memory-report.js';
import { reportMemory } from '../report/report-memory.js';
import { Recovery } from '../recovery/recovery.js';
import { FleetTurns } from '../preload/fleet-turns.js';
import type { CachePreloader } from '../preload/cache-preloader.js';
import type { Logger } from '../runtime/logger.js';
import type { ResourceId } from '../strategies/resource-id.js';
import type { SaveBatch } from '../strategies/write-behind/store.js';
import {
  writeBehindSettings,
  type WriteBehindOptions,
} from '../strategies/write-behind/write-behind-options.js';
import { WriteQueue, type WriteBacklog } from '../strategies/write-behind/write-queue.js';
import { preloadsHealth, type CacheHealth } from './cache-health.js';
import type { OpenedRedis } from './open-redis.js';

/** What `createCache` has found its options to mean. */
export interface CacheSettings {
  /** Missing for a cache without Redis. */
  readonly opened: OpenedRedis | undefined;
  readonly serializer: Serializer;
  /** Missing for a cache without memory. */
  readonly memory: CopyMemory | undefined;
  readonly isolation: Isolation;
  readonly metrics: CacheMetrics;
  readonly logger: Logger;
  readonly policy: EntryPolicy;
  readonly maxStaleWhenDisconnected: number;
  /** Milliseconds that a copy stays of whose changes nobody tells. */
  readonly unprovenLife: number;
  /** Loads at once while Redis cannot share them. */
  readonly maxLoads: number;
}

/** A queue of writes to the database, and whose it is. */
export interface OpenQueue {
  readonly namespace: string;
  /** The resource's. */
  readonly name: string;
  readonly queue: Pick<WriteQueue, 'backlog' | 'close' | 'deadLetters'>;
}

/** One cache: what its namespaces share, and how they are made. */
export class CacheParts {
  readonly port: RedisPort | undefined;
  readonly memory: CopyMemory | undefined;
  readonly metrics: CacheMetrics;
  readonly logger: Logger;
  closed = false;
  #closing: Promise<void> | undefined;
  readonly #settings: CacheSettings;
  readonly #context: Omit<LayerContext, 'counts'>;
  readonly observers = new Observers();
  readonly #coherence: Coherence | undefined;
  readonly #serializers: Serializers | undefined;
  readonly #recovery: Recovery | undefined;
  readonly #layers: MultiLayerCache[] = [];
  readonly #queues = new Map<string, OpenQueue>();
  readonly #preloaders: CachePreloader[] = [];
  readonly #recoveries: NamespaceRecovery[] = [];

  constructor(settings: CacheSettings) {
    const { opened, metrics, logger } = settings;
    const port = opened?.port;
    this.#settings = settings;
    this.port = port;
    this.memory = settings.memory;
    this.metrics = metrics;
    this.logger = logger;
    const watches = new Watches(opened?.echoes);
    const coherence =
      opened?.feed &&
      new Coherence({
        feed: opened.feed,
        watches,
        maxStaleWhenDisconnected: settings.maxStaleWhenDisconnected,
      });
    this.#coherence = coherence;
    this.#serializers = port && new Serializers(settings.serializer, port);
    this.#recovery =
      port &&
      new Recovery(port, (error) => {
        metrics.backgroundError('replay');
        logger.warn('invalidations could not be replayed', { error });
      });
    this.#context = {
      observers: this.observers,
      watches,
      gate: new LoadGate(settings.maxLoads),
      barrier: settings.memory ? barrier(settings.isolation) : NO_BARRIER,
      onBackgroundError: (error, operation, key) => {
        metrics.backgroundError(operation);
        logger.debug(`${operation} failed and was done without`, { error, key });
      },
      epoch: () => coherence?.epoch ?? 0,
      armed: () => coherence?.armed ?? false,
      tellsChanges: coherence !== undefined,
      proves: (watch) => !watch.changed && !watch.deaf && (coherence?.proves(watch.redisKey) ?? true),
      unprovenLife: settings.unprovenLife,
    };
    metrics.attach(settings.memory, port, opened?.feed);
    port?.onStateChange(({ state, previous, cause: error }) => {
      if (state === previous || !states.hasSubscribers) return;
      states.publish({ address: port.address, state, previous, error });
    });
    metrics.gauge('loads.running', () => metrics.loadsRunning);
    metrics.gauge('loads.waiting', () => this.#context.gate.waiting);
    metrics.gauge('recovery.pending', () => this.recoveryBacklog);
  }

  /** @param path - the names from the outermost. */
  openNamespace(
    path: readonly string[],
    isPlain: boolean,
  ): { client: CacheClient | undefined; layers: MultiLayerCache; counts: NamespaceMetrics } {
    const { memory, policy } = this.#settings;
    const keys = keySpace(path);
    const counts = this.metrics.namespace(keys.toString());
    const port = this.port;
    const serializers = this.#serializers;
    const plain = port && isPlain ? new PlainSerializer(() => port.serverNow()) : undefined;
    const redis = port && serializers && this.#redisParts(port, keys, plain ?? serializers.for(keys), counts);
    const layers = new MultiLayerCache({
      context: this.#contextOf(counts),
      memory: memory?.tier(),
      redis,
    });
    this.#layers.push(layers);
    if (redis) this.#coherence?.add(layers.coherent(keys, redis));
    const { ttl, compression } = policy;
    const client =
      port &&
      serializers &&
      new CacheClient({ port, keys, serializers, plain, ttl, compression, metrics: this.metrics });
    return { client, layers, counts };
  }

  /** The queue of writes to the database of one resource; it is drained and closed with the cache. */
  openWriteQueue<T>(
    path: readonly string[],
    name: string,
    options: WriteBehindOptions | undefined,
    save: SaveBatch<T>,
    onDead: (id: ResourceId) => void,
  ): WriteQueue<T> {
    if (!this.port)
      throw new InvalidOptionError(`${name}.write: 'behind' needs Redis, which this cache has not`);
    const keys = keySpace(path);
    const id = keys.behindPrefix + name;
    if (this.#queues.has(id)) {
      throw new InvalidOptionError(`resource: '${name}' with write: 'behind' was declared before`);
    }
    const { metrics } = this;
    const acknowledged = metrics.counter('write_behind.acknowledged');
    const applied = metrics.counter('write_behind.applied');
    const refused = metrics.counter('write_behind.refused');
    const died = metrics.counter('write_behind.dead');
    const queue = new WriteQueue<T>({
      port: this.port,
      keys,
      name,
      // The one whose entries need nothing else: what is pending must not be lost with a blob that Redis evicts.
      serializer: this.#settings.serializer,
      settings: writeBehindSettings(options),
      save,
      logger: this.logger,
      onAcknowledged: () => acknowledged.add(),
      onRefused: () => refused.add(),
      onApplied: (count) => applied.add(count),
      onDead: (dead) => {
        died.add();
        onDead(dead);
      },
    });
    this.#queues.set(id, { namespace: keys.toString(), name, queue });
    return queue;
  }

  fleetTurns(path: readonly string[]): ((lease: number) => FleetTurns) | undefined {
    const { port } = this;
    return port && ((lease) => new FleetTurns(port, keySpace(path), lease));
  }

  addPreloader(preloader: CachePreloader): void {
    this.#preloaders.push(preloader);
  }

  get preloaders(): readonly CachePreloader[] {
    return this.#preloaders;
  }

  get queues(): readonly OpenQueue[] {
    return [...this.#queues.values()];
  }

  /** Resolves when every pattern that is to be warm has had its first turn. */
  async warmedUp(): Promise<void> {
    await Promise.all(this.#preloaders.map((preloader) => preloader.warmedUp()));
  }

  /** What a namespace takes in Redis. */
  async reportMemory(path: readonly string[], options: MemoryReportOptions): Promise<MemoryReport> {
    if (!this.port || !this.#serializers) throw new InvalidOptionError('memory: this cache has no Redis');
    const keys = keySpace(path);
    return reportMemory(this.port, keys, this.#serializers.for(keys), options);
  }

  /** Resolves when Redis answers, and tells of changes where it is to. */
  async connect(): Promise<void> {
    await this.port?.connect();
    await this.#settings.opened?.apart?.connect();
  }

  /** Invalidations that could not reach Redis yet. */
  get recoveryBacklog(): number {
    return this.#recoveries.reduce((sum, { backlog }) => sum + backlog, 0);
  }

  /** @param redis - how Redis is, as far as it was asked. */
  async health(redis: ClientHealth | undefined): Promise<CacheHealth> {
    const coherence = this.#coherence ? { armed: this.#coherence.armed } : undefined;
    return {
      healthy: !this.closed && (redis?.healthy ?? true) && (coherence?.armed ?? true),
      closed: this.closed,
      redis,
      memory: this.metrics.snapshot().memory,
      coherence,
      loads: { running: this.metrics.loadsRunning, waiting: this.#context.gate.waiting },
      recovery: this.port && { pending: this.recoveryBacklog },
      writeBehind: await this.#writeBacklog(),
      preloads: preloadsHealth(this.#preloaders.flatMap((preloader) => preloader.status())),
    };
  }

  async #writeBacklog(): Promise<WriteBacklog | undefined> {
    if (this.#queues.size === 0) return undefined;
    try {
      const all = await Promise.all([...this.#queues.values()].map(({ queue }) => queue.backlog()));
      const sum = (of: 'pending' | 'failing' | 'dead'): number =>
        all.reduce((total, each) => total + each[of], 0);
      const oldestAge = Math.max(...all.map((each) => each.oldestAge));
      return { pending: sum('pending'), failing: sum('failing'), dead: sum('dead'), oldestAge };
    } catch (error) {
      this.logger.debug('the backlog of write-behind could not be asked', { error });
      return undefined;
    }
  }

  close(): Promise<void> {
    this.closed = true;
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    await Promise.all(this.#preloaders.map((preloader) => preloader.stop()));
    await Promise.all([...this.#queues.values()].map(({ queue }) => queue.close()));
    await Promise.all(this.#layers.map((layers) => layers.settle()));
    await this.#recovery?.close();
    this.#coherence?.close();
    this.#settings.opened?.apart?.close();
    await this.port?.close();
    this.memory?.clear();
  }

  #contextOf(counts: NamespaceMetrics): LayerContext {
    return {
      ...this.#context,
      counts,
      onBackgroundError: (error, operation, key) => {
        counts.backgroundErrors++;
        this.#context.onBackgroundError(error, operation, key);
        if (errors.hasSubscribers) errors.publish({ namespace: counts.name, operation, key, error });
      },
    };
  }

  #redisParts(
    port: RedisPort,
    keys: KeySpace,
    serializer: Serializer | PlainSerializer,
    counts: NamespaceMetrics,
  ): RedisParts {
    const { policy } = this.#settings;
    const onUnreadable = (key: string, reason: string): void => {
      counts.unreadable++;
      this.logger.debug('an entry could not be read and is a miss', { key, reason });
    };
    const shared =
      serializer instanceof PlainSerializer
        ? new PlainTier({ port, keys, serializer, onUnreadable })
        : new SharedTier({ port, keys, serializer, onUnreadable });
    const stale = Math.max(policy.staleWhileRevalidate, policy.staleIfError);
    const tags = new TagTable({
      port,
      keys,
      retention: policy.ttl + stale,
      remember: this.#coherence !== undefined,
    });
    const { prefix } = keys;
    const recovery = new NamespaceRecovery({
      port,
      tags,
      prefix,
      recovery: this.#recovery as Recovery,
      beside: (redisKey) => shared.leaseKey(redisKey),
      besidePrefixes: shared instanceof PlainTier ? leasePrefixes(prefix) : [],
    });
    this.#recoveries.push(recovery);
    return { shared, tags, recovery };
  }
}

export function keySpace([root = '', ...rest]: readonly string[]): KeySpace {
  let keys = KeySpace.of(root);
  for (const name of rest) keys = keys.within(name);
  return keys;
}
