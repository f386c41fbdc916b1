import type { CacheManager } from 'tiercel';
import type { Database } from '../database.js';
import type { CachedService } from '../social/cached-service.js';
import type { LoadGenerator } from './generator.js';
import type { LatencySummary } from './latency.js';
import type { LoadJob } from './worker.js';

/** One stretch of load, seen from the callers and from the database. */
export interface Measurement {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly latency: LatencySummary;
  readonly queries: number;
  /** Profiles that were edited. */
  readonly edits: number;
  /**
   * Lists that were put into the cache before anybody asked, and how often one was loaded because a caller did; with the cache both
   * since it was made, so that the load which finds nothing but the lists counts.
   */
  readonly listsPreloaded: number;
  readonly listLoads: number;
  /** Views of posts that were counted, and the statements that brought them to the database. */
  readonly views: number;
  readonly viewStatements: number;
  /** Reads that ran no query, as a fraction of all reads. */
  readonly hitRatio: number;
  /** Where the answers of the cache came from, as fractions. */
  readonly answers: Answers;
}

interface Answers {
  readonly memory: number;
  readonly redis: number;
  /** The read ran the query itself, or waited for the same query of another. */
  readonly database: number;
}

interface MeasuredParts {
  readonly generator: LoadGenerator;
  readonly database: Database;
  readonly cache: CacheManager;
  readonly cached: CachedService;
}

/** Runs a job and counts the queries it causes. Throws at the first wrong answer. */
export async function measure(
  job: LoadJob,
  { generator, database, cache, cached }: MeasuredParts,
): Promise<Measurement> {
  const queriesBefore = database.queries;
  const viewStatementsBefore = cached.viewStatements;
  const before = cache.metrics.snapshot().counters;
  const result = await generator.run(job);
  if (result.defect !== undefined) throw new Error(`A wrong answer: ${result.defect}`);
  // What waits for the database belongs to the queries that this load has caused.
  await cached.flush();
  const requests = result.latency.count;
  const reads = requests - result.edits - result.views;
  const after = cache.metrics.snapshot().counters;
  const loads = job.cached ? after.loads - before.loads : reads;
  const memoryHits = after.memoryHits - before.memoryHits;
  const hits = after.hits - before.hits;
  // What the cache was asked for: also by edits, which read the profile first.
  const asked = hits + after.misses - before.misses;
  const share = (count: number): number => (asked === 0 ? 0 : count / asked);
  return {
    requests,
    requestsPerSecond: requests / (result.elapsed / 1000),
    latency: result.latency,
    queries: database.queries - queriesBefore,
    edits: result.edits,
    listsPreloaded: job.cached ? cached.listsPreloaded : 0,
    listLoads: job.cached ? cached.listLoads : result.lists,
    views: result.views,
    viewStatements: job.cached ? cached.viewStatements - viewStatementsBefore : result.views,
    hitRatio: reads === 0 ? 0 : 1 - loads / reads,
    answers: {
      memory: share(memoryHits),
      redis: share(hits - memoryHits),
      database: job.cached ? share(asked - hits) : 1,
    },
  };
}
