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

/** Measures some of the keys of one server. @throws CacheError of the first step that failed. */
export async function sampleKeys(server: RedisPort, bounds: SampleBounds): Promise<KeySample> {
  const { maxKeys, until, progress, counts } = bounds;
  const scan = new KeyScan(server, { pattern: '*', maxKeys, until, progress });
  // The counter first: the others are uses of the key.
  const about = [...(counts ? [['OBJECT', 'FREQ']] : []), ['PTTL'], ['MEMORY', 'USAGE']];
  const tally = { measured: 0, entries: 0, entriesForEver: 0, queueKeys: 0 };
  let largest: SampledKeyFacts[] = [];
  let hottest: SampledKeyFacts[] = [];
  for await (const page of scan.pages()) {
    const answers = await askOfKeys(server, page, about, until);
    for (const [i, answer] of answers.entries()) {
      const [usage, left, uses] = answer.toReversed();
      const bytes = numberIn(usage);
      const redisKey = page[i]?.toString() ?? '';
      const { kind } = keyMeaning(redisKey);
      if (kind === 'write-behind') tally.queueKeys++;
      // Gone by now.
      if (bytes === undefined) continue;
      tally.measured++;
      if (kind === 'entry') tally.entries++;
      if (kind === 'entry' && numberIn(left) === -1) tally.entriesForEver++;
      const frequency = uses === undefined || uses instanceof ServerError ? undefined : numberIn(uses);
      const key = { redisKey, bytes, frequency };
      largest.push(key);
      if (frequency !== undefined) hottest.push(key);
    }
    largest = largest.sort((a, b) => b.bytes - a.bytes).slice(0, KEPT);
    hottest = hottest.sort((a, b) => (b.frequency ?? 0) - (a.frequency ?? 0)).slice(0, KEPT);
  }
  const { databaseKeys } = scan;
  return {
    ...tally,
    databaseKeys,
    complete: scan.complete && tally.measured >= scan.looked * 0.99,
    largest,
    hottest,
  };
}
