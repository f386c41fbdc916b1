import type { CacheManager } from 'tiercel';
import type { Database } from '../database.js';
import type { LoadGenerator } from './generator.js';
import type { LatencySummary } from './latency.js';
import type { LoadJob } from './worker.js';

/** One stretch of load, seen from the callers and from the database. */
export interface Measurement {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly latency: LatencySummary;
  readonly queries: number;
  /** Reads that ran no query, as a fraction of all reads. */
  readonly hitRatio: number;
  /** Where the answers came from, as fractions of all reads. */
  readonly answers: Answers;
}

interface Answers {
  readonly memory: number;
  readonly redis: number;
  /** The read ran the query itself, or waited for the same query of another. */
  readonly database: number;
}

/** Runs a job and counts the queries it causes. Throws at the first wrong answer. */
export async function measure(
  job: LoadJob,
  { generator, database, cache }: { generator: LoadGenerator; database: Database; cache: CacheManager },
): Promise<Measurement> {
  const queriesBefore = database.queries;
  const before = cache.metrics.snapshot().counters;
  const result = await generator.run(job);
  if (result.defect !== undefined) throw new Error(`A wrong answer: ${result.defect}`);
  const requests = result.latency.count;
  const reads = requests - result.edits;
  const after = cache.metrics.snapshot().counters;
  const loads = job.cached ? after.loads - before.loads : reads;
  const memoryHits = job.cached ? after.memoryHits - before.memoryHits : 0;
  const hits = job.cached ? after.hits - before.hits : 0;
  const share = (count: number): number => (reads === 0 ? 0 : count / reads);
  return {
    requests,
    requestsPerSecond: requests / (result.elapsed / 1000),
    latency: result.latency,
    queries: database.queries - queriesBefore,
    hitRatio: reads === 0 ? 0 : 1 - loads / reads,
    answers: {
      memory: share(memoryHits),
      redis: share(hits - memoryHits),
      database: share(reads - hits),
    },
  };
}
