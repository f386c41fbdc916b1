import type { DashboardFrame } from '../dashboard/frame.js';
import { preloadRows } from './application-preloads.js';
import { bytesText, countText, shareText, spanText } from './output/format.js';
import { listing } from './output/table.js';

/** What one process of the application knows of itself, in words. */
export function applicationStats({ snapshot, state, redis, queues, preloads }: DashboardFrame): string {
  const { counters, ratios, memory, coherence } = snapshot;
  const [minute] = snapshot.windows;
  const rows: Array<[string, string]> = [
    ['counting since', `${spanText(Date.now() - snapshot.since)} ago`],
    [
      'hit rate',
      `${shareText(ratios.hit)} (${countText(counters.hits)} hits, ${countText(counters.misses)} misses)`,
    ],
    ['loads', `${countText(counters.loads)}, ${countText(counters.loadFailures)} of them failed`],
  ];
  if (minute) {
    const { hits, misses, loads } = minute.perSecond;
    rows.push([
      'a second, over the last minute',
      `${countText(hits + misses)} reads, ${countText(loads)} loads`,
    ]);
  }
  if (memory) {
    rows.push([
      'memory',
      `${bytesText(memory.bytes)} of ${bytesText(memory.maxBytes)}, ${countText(memory.entries)} entries`,
    ]);
  }
  if (state) {
    rows.push([
      'Redis',
      redis?.latency === undefined ? state : `${state}, answers in ${spanText(redis.latency)}`,
    ]);
  }
  if (coherence && coherence.lag.count > 0) {
    const { p99, max } = coherence.lag;
    rows.push(['changes elsewhere', `heard of within ${spanText(p99)} (p99), ${spanText(max)} at worst`]);
  }
  for (const { namespace, name, pending = 0, failing = 0, dead = 0 } of queues) {
    rows.push([
      `queue ${namespace === '' ? name : `${namespace} ${name}`}`,
      `${countText(pending)} pending, ${countText(failing)} failing, ${countText(dead)} dead`,
    ]);
  }
  rows.push(...preloadRows(preloads));
  return listing(rows);
}
