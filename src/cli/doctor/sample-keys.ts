import { ServerError } from '../../errors.js';
import type { RedisPort } from '../../redis/port.js';
import type { Progress } from '../output/progress.js';
import { keyMeaning } from '../redis/key-meaning.js';
import { askOfKeys, KeyScan, numberIn } from '../redis/key-scan.js';
import type { KeySample, SampledKeyFacts } from './facts.js';

export interface SampleBounds {
  /** Of this server. */
  readonly maxKeys: number;
  /** By `performance.now()`. */
  readonly until: number;
  readonly progress: Progress;
  /** Whether the policy is one of LFU, so that Redis counts uses. */
  readonly counts: boolean;
}

/** How many of the largest and of the hottest are kept. */
const KEPT = 10;

/**
 * Measures some of the keys of one server. MEMORY USAGE is no use of a key, and not counted among the reads; OBJECT FREQ is
 * counted as a read, but is no use either.
 *
 * @throws CacheError of the first step that failed.
 */
export async function sampleKeys(server: RedisPort, bounds: SampleBounds): Promise<KeySample> {
  const { maxKeys, until, progress, counts } = bounds;
  const scan = new KeyScan(server, { pattern: '*', maxKeys, until, progress });
  const about = [['MEMORY', 'USAGE'], ...(counts ? [['OBJECT', 'FREQ']] : [])];
  let measured = 0;
  let queueKeys = 0;
  let inTime = true;
  let largest: SampledKeyFacts[] = [];
  let hottest: SampledKeyFacts[] = [];
  for await (const page of scan.pages()) {
    const answers = await askOfKeys(server, page, about, until);
    inTime &&= answers.length === page.length;
    for (const key of page) if (keyMeaning(key.toString()).kind === 'write-behind') queueKeys++;
    const keys = answers.flatMap(([usage, uses], i): SampledKeyFacts[] => {
      const bytes = numberIn(usage);
      // Gone by now.
      if (bytes === undefined) return [];
      // The policy may have been another a moment ago.
      const frequency = uses instanceof ServerError ? undefined : numberIn(uses);
      return [{ redisKey: page[i]?.toString() ?? '', bytes, frequency }];
    });
    measured += keys.length;
    largest = [...largest, ...keys].sort((a, b) => b.bytes - a.bytes).slice(0, KEPT);
    hottest = [...hottest, ...keys.filter(({ frequency }) => frequency !== undefined)]
      .sort((a, b) => (b.frequency ?? 0) - (a.frequency ?? 0))
      .slice(0, KEPT);
  }
  const { databaseKeys } = scan;
  return { measured, queueKeys, databaseKeys, complete: scan.complete && inTime, largest, hottest };
}
