import { formatNumber, formatPercentage, formatTable } from '../terminal/table.js';
import type { Measurement } from './measure.js';
import type { OneCaller } from './one-caller.js';

/** The same load without and with the cache, side by side. */
export function comparisonTable(without: Measurement, cached: Measurement): string {
  const latency = (name: string, of: (m: Measurement) => number): string[] => [
    name,
    `${formatNumber(of(without))} ms`,
    `${formatNumber(of(cached))} ms`,
    `${formatNumber(of(without) / of(cached))} x`,
  ];
  const counts = (name: string, of: (m: Measurement) => readonly number[]): string[] => [
    name,
    ...[without, cached].map((m) =>
      of(m)
        .map((count) => count.toLocaleString('en-US'))
        .join(' / '),
    ),
  ];
  return formatTable([
    ['', 'without cache', 'with cache', 'factor'],
    [
      'requests/s',
      formatNumber(without.requestsPerSecond),
      formatNumber(cached.requestsPerSecond),
      `${formatNumber(cached.requestsPerSecond / without.requestsPerSecond)} x`,
    ],
    latency('mean', (m) => m.latency.mean),
    latency('p50', (m) => m.latency.p50),
    latency('p95', (m) => m.latency.p95),
    latency('p99', (m) => m.latency.p99),
    ['requests', formatNumber(without.requests), formatNumber(cached.requests)],
    ['database queries', formatNumber(without.queries), formatNumber(cached.queries)],
    [
      'queries per 1,000 requests',
      formatNumber(perRequest(without) * 1000),
      formatNumber(perRequest(cached) * 1000),
    ],
    ['hit ratio', formatPercentage(without.hitRatio), formatPercentage(cached.hitRatio)],
    ['answered from memory', '', formatPercentage(cached.answers.memory)],
    ['answered from Redis', '', formatPercentage(cached.answers.redis)],
    ['answered from the database', '', formatPercentage(cached.answers.database)],
    counts('lists preloaded / loaded by callers', (m) => [m.listsPreloaded, m.listLoads]),
    counts('profile edits, written through', (m) => [m.edits]),
    counts('views counted / statements for them', (m) => [m.views, m.viewStatements]),
    ['database load saved', '', formatPercentage(1 - perRequest(cached) / perRequest(without))],
  ]);
}

function perRequest(measurement: Measurement): number {
  return measurement.queries / measurement.requests;
}

/** What the cache is compared with matters; so the best query that can be written is named beside it. */
export function oneCallerLines({ asWritten, tuned, cached }: OneCaller): string {
  return [
    'One profile, one caller, no HTTP and no queue:',
    `  the query as applications write it   ${formatNumber(asWritten)} ms`,
    `  the tuned query, same indexes        ${formatNumber(tuned)} ms   (the slow one / ${formatNumber(asWritten / tuned)})`,
    `  from the cache                       ${formatNumber(cached)} ms   (the tuned one / ${formatNumber(tuned / cached)})`,
  ].join('\n');
}
