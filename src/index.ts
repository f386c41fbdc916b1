export { createCache, type CacheOptions, type MemoryOptions } from './manager/create-cache.js';
export type { CoherenceMode } from './manager/open-redis.js';
export { ClusterCacheManager, type ClusterHealth } from './manager/cluster-cache-manager.js';
export type {
  ClusterMetrics,
  ClusterMetricsSnapshot,
  NodeMetricsSnapshot,
  RedirectCounts,
} from './cluster/cluster-metrics.js';
export type {
  NatMap,
  ReadFrom,
  RedisClusterOptions,
  ClusterSettingsOptions,
} from './cluster/cluster-options.js';
export type { NodeChange, NodeInfo, NodeManager } from './cluster/node-manager.js';
export {
  CacheManager,
  type CacheStats,
  type GetOrSetManyOptions,
  type GetOrSetOptions,
} from './manager/cache-manager.js';
export type {
  CacheHealth,
  CoherenceHealth,
  LoadsHealth,
  PreloadFailure,
  PreloadsHealth,
  RecoveryHealth,
} from './manager/cache-health.js';
export type { EntryFormat, EntryOptions, NamespaceOptions } from './manager/entry-options.js';
export type { Resource, ResourceDefinition } from './manager/resource.js';
export type { ResourceId } from './strategies/resource-id.js';
export type { ResourceStore, SaveContext, WriteMode } from './strategies/resource-store.js';
export type { DeadLetter, DeadLetters } from './strategies/write-behind/dead-letters.js';
export type { ReplayOutcome } from './strategies/write-behind/partition.js';
export type { WriteBehindOptions } from './strategies/write-behind/write-behind-options.js';
export type { WriteBacklog } from './strategies/write-behind/write-queue.js';
export type { CachePreloader, PreloadProgress, PreloadStatus } from './preload/cache-preloader.js';
export type { PreloadContext, PreloadEntries, PreloaderOptions, PreloadPattern } from './preload/pattern.js';
export type { LoadMany, LoadManyContext } from './layers/load-batch.js';
export type { WrapOptions } from './manager/wrap.js';
export type { LoadContext, Loader } from './layers/load.js';
export type {
  BackgroundErrorEvent,
  CacheChannels,
  InvalidateEvent,
  Layer,
  LoadEvent,
  ReadEvent,
  StateEvent,
  WriteEvent,
} from './metrics/channels.js';
export type { CacheTracer, TracedWork } from './metrics/observers.js';
export { type Entry } from './layers/multi-layer-cache.js';
export { CacheClient } from './client/cache-client.js';
export type { ServerHealth } from './client/check-servers.js';
export type { CacheClientOptions, ClientHealth, ClientStats, WriteOptions } from './client/client-options.js';
export { BatchCacheManager } from './batch/batch-cache-manager.js';
export type {
  BatchFailure,
  BatchOperation,
  BatchOptions,
  BatchOutcome,
  BatchProgress,
  BatchResult,
  BatchRunOptions,
  BatchSummary,
  BatchTarget,
} from './batch/batch-types.js';
export type {
  AllocatorFit,
  KeysAndBytes,
  LargeKey,
  MemoryPart,
  MemoryParts,
  MemoryReport,
  MemoryReportOptions,
  MemoryShare,
  StorageAlternative,
} from './report/memory-report.js';
export { CacheMetrics, type CacheMetricsOptions, type MetricsOptions } from './metrics/cache-metrics.js';
export { mergeSnapshots } from './metrics/merge-snapshots.js';
export { bucketBounds, type HistogramSnapshot } from './metrics/histogram.js';
export type { NamedCounter } from './metrics/named-metrics.js';
export type {
  BackgroundOperation,
  ByPortState,
  ByReadOutcome,
  CoherenceMetrics,
  HotKey,
  HotKeys,
  LatencySnapshot,
  MeasuredLayer,
  MeasuredOperation,
  MeasuredOutcome,
  MemoryGauges,
  MetricsCounter,
  MetricsCounters,
  MetricsSnapshot,
  RateWindow,
  ReadOutcome,
  RedisGauges,
  ServerGauges,
} from './metrics/snapshot.js';
export {
  MemoryStore,
  type Isolation,
  type MemorySetOptions,
  type MemoryStoreOptions,
} from './memory/memory-store.js';
export type { RemovalCounts, RemovalListener, RemovalReason } from './memory/removal.js';
export type { Codec } from './codec/codec.js';
export type { CompressionOptions } from './codec/compression/compression.js';
export type { CompressionAlgorithm } from './codec/compression/compressors.js';
export { jsonCodec } from './codec/json.js';
export { msgpackCodec } from './codec/msgpack.js';
export { v8Codec } from './codec/v8.js';
export type { ByteSize } from './byte-size.js';
export type { Duration } from './duration.js';
export type { Logger, LogDetails } from './runtime/logger.js';
export type {
  RedisClientOptions,
  RedisOptions,
  RedisSentinelOptions,
  RedisServerOptions,
  RedisShard,
  RedisShardsOptions,
  RedisTimingOptions,
  SentinelOptions,
} from './redis/options.js';
export type { PortState } from './redis/port.js';
export { ConsistentHash, type ConsistentHashOptions, type WeightedNode } from './shards/consistent-hash.js';
export {
  AuthenticationError,
  BulkError,
  CacheError,
  CacheMissError,
  ClosedError,
  ConnectionError,
  DeadlineError,
  DecodeError,
  EncodeError,
  InvalidKeyError,
  InvalidOptionError,
  MissingPeerError,
  OverloadedError,
  ServerError,
  type KeyFailure,
  type Outcome,
} from './errors.js';
