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
}

/** Runs a job and counts the queries it causes. Throws at the first wrong answer. */
export async function measure(
  job: LoadJob,
  { generator, database, cache }: { generator: LoadGenerator; database: Database; cache: CacheManager },
): Promise<Measurement> {
  const queriesBefore = database.queries;
  const loadsBefore = cache.metrics.snapshot().counters.loads;
  const result = await generator.run(job);
  if (result.defect !== undefined) throw new Error(`A wrong answer: ${result.defect}`);
  const requests = result.latency.count;
  const reads = requests - result.edits;
  const loads = job.cached ? cache.metrics.snapshot().counters.loads - loadsBefore : reads;
  return {
    requests,
    requestsPerSecond: requests / (result.elapsed / 1000),
    latency: result.latency,
    queries: database.queries - queriesBefore,
    hitRatio: reads === 0 ? 0 : 1 - loads / reads,
  };
}
