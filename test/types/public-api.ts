/**
 * Compiled with the tests and never run: what applications may write, and what they may not.
 */

import { createServer } from 'node:http';
import { createClient, createCluster } from '@redis/client';
import { Cluster as Cluster6, Redis as Ioredis6 } from 'ioredis';
import { Cluster as Cluster5, Redis as Ioredis5 } from 'ioredis5';
import {
  BatchCacheManager,
  BulkError,
  CacheClient,
  ConsistentHash,
  createCache,
  jsonCodec,
  v8Codec,
  type BatchOperation,
  type BatchSummary,
  type CachePreloader,
  type CacheError,
  type CacheManager,
  type CacheOptions,
  type ClusterCacheManager,
  type ClusterHealth,
  type ClusterMetricsSnapshot,
  type Codec,
  type CoherenceMode,
  type Duration,
  type KeyFailure,
  type LoadContext,
  type LoadManyContext,
  type Logger,
  type Outcome,
  type DeadLetter,
  type NodeChange,
  type NodeInfo,
  type MemoryReport,
  type PreloadPattern,
  type RedisOptions,
  type Resource,
  type WriteBacklog,
} from 'tiercel';
import { protobufCodec } from 'tiercel/protobuf';
import {
  conformance,
  FakeClock,
  FaultProxy,
  NotOffered,
  seededRandom,
  type ConformanceCache,
  type ConformanceCheck,
  type ConformanceRedis,
  type ConformanceSubject,
  type FaultProxyTarget,
  type PromiseName,
  type SlowNetwork,
} from 'tiercel/testing';

import {
  dashboardFetch,
  dashboardHandler,
  type DashboardHandler,
  type DashboardOptions,
} from 'tiercel/dashboard';

/** Compiles only where the two types are the same. */
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
const same = <A, B>(...proof: Same<A, B> extends true ? [] : [never]): number => proof.length;

interface User {
  readonly id: number;
  readonly name: string;
}
declare const cache: CacheManager;
declare const client: CacheClient;
declare const user: User;

export const redisOptions: readonly RedisOptions[] = [
  'redis://localhost:6379',
  { url: 'rediss://ada:secret@localhost', tls: { ca: 'pem' }, commandTimeout: '250ms', connections: 2 },
  { host: 'localhost', port: 6379, username: 'ada', password: 'secret', database: 3, name: 'shop' },
  { retryDelay: { min: 100, max: '2s' }, maxRetries: 3, idleTimeout: '30s', maxInFlight: 1000 },
  { client: createClient() },
  { client: createClient({ RESP: 3 }), commandTimeout: 100 },
  { client: new Ioredis6({ lazyConnect: true }) },
  { client: new Ioredis5({ lazyConnect: true }) },
  { sentinel: { name: 'main', nodes: [{ host: 'one' }, { host: 'two', port: 26379 }], password: 'secret' } },
  {
    sentinel: { name: 'main', nodes: [{}] },
    username: 'ada',
    database: 3,
    connections: 2,
    commandTimeout: 100,
  },
  { shards: ['redis://one', { url: 'redis://two', name: 'b', weight: 2 }], commandTimeout: '1s' },
  { shards: [{ name: 'a', sentinel: { name: 'main', nodes: [{}] } }], virtualNodes: 160 },
  // @ts-expect-error timing is that of all shards
  { shards: [{ url: 'redis://one', commandTimeout: 5 }] },
  { cluster: ['redis://a:7000', { host: 'b', port: 7000 }, { host: 'c' }] },
  { cluster: ['rediss://a'], tls: true, username: 'ada', password: 'secret', name: 'shop', maxRedirects: 5 },
  { cluster: ['redis://a'], readFrom: 'nearest', maxReplicaLag: '500ms', healthCheckInterval: '10s' },
  { cluster: ['redis://a'], natMap: { '10.0.0.1:7000': { host: 'out', port: 9000 } } },
  { cluster: ['redis://a'], natMap: (address) => ({ host: address, port: 1 }) },
  { client: createCluster({ rootNodes: [] }), readFrom: 'replica' },
  { client: new Cluster6([]), maxRedirects: 5 },
  { client: new Cluster5([]) },
  // @ts-expect-error no such node
  { cluster: ['redis://a'], readFrom: 'slave' },
  // @ts-expect-error a duration without a unit
  { commandTimeout: '250' },
  // @ts-expect-error misspelt
  { hots: 'localhost' },
  // @ts-expect-error a port is a number
  { port: '6379' },
];

export const cacheOptions: readonly CacheOptions[] = [
  { redis: 'redis://localhost', coherence: 'tracking', maxStaleWhenDisconnected: '5s' },
  { redis: 'redis://localhost', coherence: 'broadcast' },
  { redis: { client: createClient() }, coherence: 'pubsub' },
  { redis: 'redis://localhost', coherence: 'none', memory: { maxBytes: '64mb' } },
  // @ts-expect-error misspelt
  { coherence: 'pub/sub' },
];
same<Exclude<CacheOptions['coherence'], undefined>, CoherenceMode>();

export const durations: readonly Duration[] = [
  1,
  Infinity,
  '250ms',
  '15m',
  '1.5h',
  // @ts-expect-error no unit that we know
  '3w',
];

const codec: Codec = jsonCodec();
declare const logger: Logger;
declare const schema: Parameters<typeof protobufCodec>[0];
export const codecs: readonly Codec[] = [v8Codec(), protobufCodec(schema), protobufCodec(schema, schema)];
export const options: readonly CacheOptions[] = [
  { redis: 'redis://localhost' },
  { redis: {}, maxValueBytes: '1mb', namespace: 'shop', ttl: Infinity, codec, readCodecs: [codec], logger },
  { redis: {}, namespace: '', format: 'plain' },
  // @ts-expect-error no such format
  { redis: {}, format: 'json' },
  { redis: {}, compression: true },
  { redis: {}, compression: { algorithm: 'zstd', threshold: '4kb', level: 3 } },
  // @ts-expect-error no such algorithm
  { redis: {}, compression: { algorithm: 'gzip' } },
  // @ts-expect-error misspelt
  { redis: {}, tll: '5m' },
  // @ts-expect-error undefined is not the same as left out
  { redis: {}, namespace: undefined },
];

export async function theFrontDoor(): Promise<void> {
  await using own = createCache({ redis: 'redis://localhost' });
  await own.ready();

  const load = async (): Promise<User> => user;
  const loaded = await cache.getOrSet('user:1', load, { ttl: '5m' });
  same<typeof loaded, User>();
  const computed = await cache.getOrSet('answer', ({ key }: LoadContext) => key.length);
  same<typeof computed, number>();
  const perhaps = await cache.getOrSet('user:2', () => (computed > 1 ? user : undefined));
  same<typeof perhaps, User | undefined>();
  // @ts-expect-error no such option
  await cache.getOrSet('user:1', load, { tll: '5m' });
  // @ts-expect-error a loader is a function
  await cache.getOrSet('user:1', user);

  same<Awaited<ReturnType<typeof cache.get>>, unknown>();
  const found = await cache.get<User>('user:1');
  same<typeof found, User | undefined>();
  const many = await cache.getMany<User>(new Set(['user:1']));
  same<typeof many, Map<string, User>>();

  const ofMany = await cache.getOrSetMany(
    ['user:1', 'user:2'],
    (keys, { of, signal }: LoadManyContext<string>): Array<User | undefined | Error> => {
      signal.throwIfAborted();
      return keys.map((key) => {
        of(key).setTtl('1m');
        return key === 'user:1' ? user : undefined;
      });
    },
    { ttl: '5m', tags: ['users'], maxBatch: 100 },
  );
  same<typeof ofMany, Map<string, User>>();
  const counts = await cache.getOrSetMany(new Set(['a']), async (keys) => new Map(keys.map((k) => [k, 1])));
  same<typeof counts, Map<string, number>>();
  // @ts-expect-error a loader is a function
  await cache.getOrSetMany(['a'], new Map());
  await cache.setMany(new Map([['user:1', user]]));
  await cache.setMany([['user:1', user]], { ttl: 1000 });
  const deleted = await cache.delete('user:1');
  same<typeof deleted, boolean>();
  const removed = await cache.deleteMany(['user:1']);
  same<typeof removed, number>();
  same<Awaited<ReturnType<typeof cache.clear>>, void>();
  same<Awaited<ReturnType<typeof cache.ttl>>, number | undefined>();

  const square = cache.wrap('square', (n: number, exact?: boolean) => (exact ? n * n : 0));
  same<typeof square, (n: number, exact?: boolean) => Promise<number>>();
  cache.wrap('greet', async (who: User) => who.name, { key: (who) => String(who.id) });
  // @ts-expect-error a key is text
  cache.wrap('greet', async (who: User) => who.name, { key: (who) => who.id });
}

export function namespaces(): readonly CacheManager[] {
  // @ts-expect-error of a namespace, not of a call
  void cache.getOrSet('user:1', () => user, { format: 'plain' });
  return [cache.namespace('a', { format: 'plain', ttl: '1h' }), cache.namespace('b', { compression: true })];
}

export async function resources(): Promise<void> {
  const users = cache.resource('user', { load: async (id: number) => ({ ...user, id }), ttl: '15m' });
  same<Awaited<ReturnType<typeof users.get>>, { id: number; readonly name: string }>();
  await users.set(1, user);
  // @ts-expect-error an id of this resource is a number
  await users.get('1');
  // @ts-expect-error not a user
  await users.set(1, { name: 'Ada' });

  const byName = cache.resource('user_by_name', {
    loadMany: async (names: readonly string[]) => new Map(names.map((name) => [name, user])),
    maxBatch: 50,
  });
  const map = await byName.getMany(['Ada']);
  same<typeof map, Map<string, User>>();
  const list: Resource<bigint, string | undefined> = cache.resource('row', {
    loadMany: (ids: readonly bigint[]): Array<string | undefined | Error> =>
      ids.map((id) => (id > 0n ? `row ${id}` : new Error('no such row'))),
  });
  const rows = await list.getMany([1n]);
  same<typeof rows, Map<bigint, string>>();
  // @ts-expect-error an id is text or a number
  cache.resource('bad', { load: (id: Date) => id });
}

export async function theClient(): Promise<void> {
  const connected = await CacheClient.connect('redis://localhost', { namespace: 'shop', ttl: '1h' });
  same<typeof connected, CacheClient>();
  const value = await client.getOrThrow<User>('user:1');
  same<typeof value, User>();
  const perhaps = await client.get<User>('user:1');
  same<typeof perhaps, User | undefined>();
  same<ReturnType<typeof client.namespace>, CacheClient>();
  // @ts-expect-error no loader here
  await client.getOrSet('user:1', () => user);
}

export function errors(error: unknown): ReadonlyMap<string, KeyFailure> | string | undefined {
  if (error instanceof BulkError) {
    for (const { code } of error.failures.values()) same<typeof code, string | undefined>();
    return error.failures;
  }
  const { key, code, outcome }: CacheError = error as CacheError;
  same<typeof code, string>();
  same<typeof outcome, Outcome>();
  return key;
}

export async function batches(): Promise<void> {
  await using overClient = new BatchCacheManager(client, { batchSize: 100, flushInterval: '100ms' });
  await overClient.batchSet('user:1', user, { ttl: '5m' });
  // @ts-expect-error a client's entries have no tags
  await overClient.batchSet('user:1', user, { tags: ['users'] });
  const overCache = new BatchCacheManager(cache);
  await overCache.batchSet('user:1', user, { ttl: '5m', tags: ['users'] });
  const found = await overCache.batchGet<User>('user:1');
  same<typeof found, User | undefined>();
  const removed = await overCache.batchDelete('user:1');
  same<typeof removed, boolean>();
  const rows = async function* (): AsyncGenerator<BatchOperation> {
    yield { type: 'set', key: 'user:1', value: user, options: { ttl: '5m' } };
    // @ts-expect-error there is no such operation
    yield { type: 'incr', key: 'n' };
  };
  const summary = await overClient.run(rows(), { onProgress: ({ given, done }) => void [given, done] });
  same<typeof summary, BatchSummary>();
  // @ts-expect-error not a cache
  void new BatchCacheManager('redis://localhost');
}

export async function memoryReport(): Promise<string> {
  const report = await cache.memory({ maxKeys: 1000, timeout: '2s', codecs: [codec], compare: 0 });
  same<typeof report, MemoryReport>();
  // @ts-expect-error no such kind
  void report.kinds.values;
  return JSON.stringify(report.namespaces['shop']?.estimated.bytes);
}

export function placement(): string | undefined {
  const ring = new ConsistentHash(['a', ['b', 2]], {
    virtualNodes: 160,
    hash: (text: string) => text.length,
  });
  const weights = new ConsistentHash(new Map([['a', 1]]));
  same<typeof weights, ConsistentHash>();
  same<ReturnType<typeof ring.nodesFor>, string[]>();
  // @ts-expect-error a weight is a number
  ring.add('c', '2');
  return ring.get('user:1');
}

export const patterns: readonly PreloadPattern[] = [
  { name: 'map', schedule: '5m', load: () => new Map([['k', 1]]), priority: 5, warmUp: true },
  { name: 'pairs', schedule: 60_000, load: async () => [['k', user]], tags: ['users'], keyPattern: 'k*' },
  {
    name: 'stream',
    schedule: '0 3 * * *',
    async *load({ signal, turn }) {
      if (!signal.aborted) yield ['k', turn] as const;
    },
  },
  // @ts-expect-error a pattern has to be loaded somehow
  { name: 'none', schedule: '5m' },
];

export async function strategies(): Promise<void> {
  const users = cache.resource('user', {
    load: (id: number, { signal, key }) => ({ id, name: key + String(signal.aborted) }),
    save: (id, { name }) => void [id.toFixed(), name],
    remove: (id) => void id.toFixed(),
    write: 'around',
    refresh: 'ahead',
    tags: ({ name }, id) => [name, id.toFixed()],
  });
  await users.save(1, user);
  await users.saveMany([[1, user]]);
  await users.remove(1);
  // @ts-expect-error the value is a user
  await users.save(1, 'Ada');

  const views = cache.resource('views', {
    load: (id: number) => id,
    saveMany: async (writes) =>
      writes.map(({ value, sequence }) => (value > (sequence ?? 0) ? undefined : new Error())),
    write: 'behind',
    behind: { batchSize: 10, lease: '10s', retryDelay: { min: 10, max: '1s' }, maxAge: Infinity },
  });
  const left: number = await views.flush('5s');
  const backlog: WriteBacklog = await views.backlog();
  for await (const letter of views.deadLetters.list()) {
    const { value }: DeadLetter<number> = letter;
    same<typeof value, number | undefined>();
    await views.deadLetters.replay(letter);
  }
  const preloader: CachePreloader = cache.preload(patterns, { concurrency: 2, lease: '10s' });
  preloader.onProgress(({ written, total }) => void [written, total, left, backlog]);
  await preloader.stop();
}

export function dashboards(shown: CacheManager): unknown {
  const handler: DashboardHandler = dashboardHandler(shown);
  createServer(handler);
  const guarded: DashboardOptions = {
    token: process.env['TOKEN'],
    actions: true,
    path: '/ops',
    hosts: ['a.b'],
  };
  dashboardHandler(shown, guarded);
  const answer: Promise<Response> = dashboardFetch(shown, { token: 'a token' })(new Request('http://a/'));
  // @ts-expect-error a Request does not tell who sent it
  dashboardFetch(shown, {});
  // @ts-expect-error there is no such option
  dashboardHandler(shown, { password: 'x' });
  return answer;
}

export async function overACluster(): Promise<unknown> {
  const clustered = createCache({ redis: { cluster: ['redis://a'] } });
  same<typeof clustered, ClusterCacheManager>();
  const nodes: NodeInfo[] = clustered.nodes.list();
  const stop: () => void = clustered.nodes.onChange(({ kind, node, previous }: NodeChange) => [
    kind,
    node,
    previous,
  ]);
  const metrics: ClusterMetricsSnapshot = clustered.clusterMetrics.snapshot();
  const health: ClusterHealth = await clustered.healthCheck();
  const plain = createCache({ redis: 'redis://a' });
  same<typeof plain, CacheManager>();
  // @ts-expect-error one server has no nodes
  const none: unknown = plain.nodes;
  return [nodes, stop, metrics, health.slotsUnserved, none, clustered.namespace('n')];
}

export async function testing(redis: ConformanceRedis, tried: ConformanceCache): Promise<unknown> {
  const subject: ConformanceSubject = { redis, open: async () => tried, hop: 100 };
  const checks: ConformanceCheck[] = [...conformance(subject)];
  const promises: PromiseName[] = checks.map(({ promise }) => promise);
  const target: FaultProxyTarget = { host: 'redis', port: 6379, seed: 1 };
  const network: SlowNetwork = { latency: 5, jitter: 5, bandwidth: 1e6 };
  const proxy: FaultProxy = await FaultProxy.to(target);
  proxy.slow(network);
  const clock = new FakeClock();
  const now: () => number = clock.now;
  const random: () => number = seededRandom(1);
  // @ts-expect-error what it is to do has a name
  proxy.slow({ delay: 5 });
  return [promises, now, random, new NotOffered('tags')];
}
