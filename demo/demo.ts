import {
  type CacheManager,
  ClusterCacheManager,
  createCache,
  type PreloadPattern,
  type RedisOptions,
} from 'tiercel';
import { dashboardHandler } from 'tiercel/dashboard';
import { startPostgres } from '../servers/postgres.js';
import { startRedisCluster } from '../servers/redis-cluster.js';
import { startRedis } from '../servers/redis.js';
import type { Cleanup } from './cleanup.js';
import { loadData } from './data/load.js';
import { usersByFame } from './data/popularity.js';
import { sizeFor } from './data/size.js';
import { Database } from './database.js';
import { Api } from './http/api.js';
import { compareWithDatabase } from './load/compare.js';
import { readEveryProfile } from './load/fill.js';
import { LoadGenerator } from './load/generator.js';
import { LightLoad } from './load/light-load.js';
import { measure } from './load/measure.js';
import { measureOneCaller } from './load/one-caller.js';
import { comparisonTable, oneCallerLines } from './load/report.js';
import type { DemoOptions } from './options.js';
import { viewsTable } from './queries/views.sql.js';
import { CachedService } from './social/cached-service.js';
import { DatabaseService } from './social/database-service.js';
import { progressReport, type ProgressReport } from './terminal/progress.js';
import { formatNumber, formatPercentage } from './terminal/table.js';

const callers = 100;
/** Room for some of the users, as in life: the others are answered from Redis. */
const memory = '2mb';

function say(text: string): void {
  console.log(text);
}

/** Starts everything, measures, prints. When it returns the API is up; `cleanup` takes all of it down. */
export async function runDemo(options: DemoOptions, cleanup: Cleanup): Promise<void> {
  const { users } = options;

  say(`Starting ${options.cluster ? 'a Redis Cluster of six nodes' : 'Redis'} and Postgres.`);
  const cache = createCache({
    redis: await startServers(options.cluster, cleanup),
    namespace: 'demo',
    ttl: '15m',
    memory: { maxBytes: memory },
  });
  cleanup.add(() => cache.close());
  await cache.ready();
  const database = await openDatabase(users, cleanup);

  const uncached = new DatabaseService(database);
  const cached = new CachedService(cache, uncached);
  let stopping = false;
  const api = new Api({ cached, uncached }, dashboardHandler(cache, { actions: true }), (error) => {
    if (!stopping) console.error(error);
  });
  cleanup.add(() => api.close());
  const port = await api.listen(options.port);

  const generator = new LoadGenerator();
  cleanup.add(() => generator.stop());
  // From here on, queries fail because their server is being stopped.
  cleanup.add(() => {
    stopping = true;
  });
  const parts = { generator, database, cache, cached };
  const job = { port, users, callers, duration: options.duration };
  const seconds = options.duration / 1000;
  say(
    `\n${callers} callers over HTTP, each waiting for its answer before it asks again: 85 % profiles, 6 % popular\n` +
      'posts, 3 % trending users, 5 % views of posts, 1 % edits of profiles. The same requests in the same order, without and with the cache.',
  );

  say(`\nWithout the cache, ${seconds} s.`);
  const without = await measure({ ...job, cached: false }, parts);
  say('Preloading the lists: 100 popular posts and 50 trending users.');
  const lists = progressReport(process.stdout);
  cleanup.add(() => lists.stop());
  await preload(cache, cached.preloads, lists);
  say(`With the cache, which has only these at first: ${seconds} s, not part of the table.`);
  const cold = await measure({ ...job, cached: true }, parts);
  say(
    `  ${formatNumber(cold.requestsPerSecond)} requests/s, mean ${formatNumber(cold.latency.mean)} ms, ` +
      `hit ratio ${formatPercentage(cold.hitRatio)}.`,
  );
  say('Reading every profile once, so that the cache is as full as it is after some minutes of such a load.');
  const progress = progressReport(process.stdout);
  cleanup.add(() => progress.stop());
  await readEveryProfile(users, cached, progress);
  say(`With the cache, now filled, ${seconds} s.`);
  const withCache = await measure({ ...job, cached: true }, parts);
  await generator.stop();
  const compared = await compareWithDatabase({ users, requests: withCache.requests }, { uncached, cached });
  const oneCaller = await measureOneCaller(users, { uncached, cached });

  say(`\n${comparisonTable(without, withCache)}\n`);
  if (cache instanceof ClusterCacheManager) say(`${nodeLines(cache)}\n`);
  say(`${oneCallerLines(oneCaller)}\n`);
  say(
    `Every answer was checked for its shape; ${compared.profiles} profiles were compared with the database, ` +
      `${compared.edited} of them edited under load, all equal.`,
  );
  if (options.once) return;
  const light = new LightLoad(users, cached);
  cleanup.add(() => light.stop());
  say(invitation(port, users));
}

async function startServers(isCluster: boolean, cleanup: Cleanup): Promise<RedisOptions> {
  if (isCluster) {
    const cluster = await startRedisCluster();
    cleanup.add(() => cluster.stop());
    return { cluster: cluster.urls };
  }
  const server = await startRedis({ config: { appendonly: 'yes' } });
  cleanup.add(() => server.stop());
  return server.url;
}

/** What each node of the Cluster had to do, over all of the runs. */
function nodeLines(cache: ClusterCacheManager): string {
  const { nodes } = cache.clusterMetrics.snapshot();
  const lines = cache.nodes.list().map(({ address, role, slots, primary }) => {
    const did = nodes[address];
    if (role === 'replica') return `  ${address}  replica of ${primary ?? 'nobody'}`;
    return (
      `  ${address}  primary, ${formatNumber(slots)} slots, ${formatNumber(did?.commands ?? 0)} commands ` +
      `(${formatPercentage(did?.load ?? 0)}), p99 ${formatNumber(did?.latency.p99 ?? 0)} ms`
    );
  });
  return ['The nodes:', ...lines].join('\n');
}

/** Keeps the lists in the cache from now on, and resolves when they are there. */
async function preload(
  cache: CacheManager,
  patterns: readonly PreloadPattern[],
  progress: ProgressReport,
): Promise<void> {
  progress.start(patterns.length);
  const preloader = cache.preload(patterns);
  preloader.onProgress(({ pattern, ended }) => {
    if (!ended) return;
    progress.advance(1);
    progress.stage(pattern);
  });
  await preloader.warmedUp();
  progress.stop();
}

async function openDatabase(users: number, cleanup: Cleanup): Promise<Database> {
  const postgres = await startPostgres({
    name: `social-${users}`,
    settings: {
      shared_buffers: '512MB',
      // What a transaction loads into a table it has made itself need not go through the log as well.
      wal_level: 'minimal',
      max_wal_senders: '0',
    },
  });
  const progress = progressReport(process.stdout);
  // Taken down after the server, whose shutdown breaks off what the pool would wait for.
  const database = new Database(postgres.url);
  cleanup.add(() => database.close());
  cleanup.add(() => postgres.stop());
  cleanup.add(() => progress.stop());

  const size = sizeFor(users);
  console.log(
    `A social network of ${users.toLocaleString('en-US')} users, ${size.posts.toLocaleString('en-US')} posts and ` +
      `${size.followers.toLocaleString('en-US')} followers:`,
  );
  const loaded = await loadData(postgres.url, size, progress);
  await database.query(viewsTable, []);
  console.log(loaded ? '  loaded.' : '  loaded by an earlier run.');
  return database;
}

function invitation(port: number, users: number): string {
  const star = usersByFame(users)[0] ?? 1;
  const base = `http://127.0.0.1:${port}`;
  return [
    `\nThe API is up at ${base}; Ctrl-C stops everything. User ${star} has most followers. Try:`,
    `  curl -w '%{time_total} s\\n' '${base}/users/${star}/profile?cache=off'`,
    `  curl -w '%{time_total} s\\n' '${base}/users/${star}/profile'`,
    `  curl '${base}/posts/popular?limit=5'`,
    `  curl '${base}/users/trending'`,
    `  curl -X PATCH -H 'content-type: application/json' -d '{"bio":"Hello"}' '${base}/users/${star}'`,
    `The dashboard is at ${base}/tiercel/, with some reads going on so that there is something to see.`,
  ].join('\n');
}
