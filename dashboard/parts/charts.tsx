import { useMemo, useState } from 'preact/hooks';
import type { LatencySnapshot } from '../../src/metrics/snapshot.js';
import { hitRatio, loadsSaved, memoryHitRatio, redisHitRatio } from '../figures.js';
import { percent, rate, time, wholePercent } from '../format.js';
import { kindOf, type History } from '../history.js';
import { Chart, type Series } from './chart.js';

const ANSWERED: readonly Series[] = [
  { name: 'Memory', color: '--memory', of: ({ rates }) => rates.memoryHits },
  { name: 'Redis', color: '--redis', of: ({ rates }) => rates.redisHits },
  { name: 'Missed', color: '--load', of: ({ rates }) => rates.misses },
  { name: 'Failed', color: '--bad', of: ({ rates }) => rates.redisErrors },
];
const RATIOS: readonly Series[] = [
  { name: 'All', color: '--ink', of: ({ rates }) => hitRatio(rates) },
  { name: 'Memory', color: '--memory', of: ({ rates }) => memoryHitRatio(rates) },
  { name: 'Redis', color: '--redis', of: ({ rates }) => redisHitRatio(rates) },
];
const LOADS: readonly Series[] = [
  { name: 'Loads', color: '--load', of: ({ rates }) => rates.loads },
  { name: 'Saved', color: '--good', of: ({ rates }) => loadsSaved(rates) },
  { name: 'Served stale', color: '--stale', of: ({ rates }) => rates.staleServes },
];

export function Charts({ history, latency }: { history: History; latency: readonly LatencySnapshot[] }) {
  return (
    <div class="charts">
      <Chart
        title="Reads a second, by who answered"
        history={history}
        series={ANSWERED}
        format={rate}
        stacked
      />
      <Chart
        title="Hit ratio by layer"
        history={history}
        series={RATIOS}
        format={percent}
        axisFormat={wholePercent}
        max={1}
      />
      <LatencyChart history={history} latency={latency} />
      <Chart title="Loads a second, and loads saved" history={history} series={LOADS} format={rate} />
    </div>
  );
}

function LatencyChart({ history, latency }: { history: History; latency: readonly LatencySnapshot[] }) {
  const kinds = latency.map(kindOf);
  const [chosen, choose] = useState<string>();
  const kind =
    chosen !== undefined && kinds.includes(chosen)
      ? chosen
      : (['redis get hit', 'memory get hit'].find((one) => kinds.includes(one)) ?? kinds[0] ?? '');
  const series = useMemo(
    (): Series[] => [
      { name: 'p50', color: '--p50', of: (moment) => moment.latency.get(kind)?.p50 },
      { name: 'p95', color: '--p95', of: (moment) => moment.latency.get(kind)?.p95 },
      { name: 'p99', color: '--p99', of: (moment) => moment.latency.get(kind)?.p99 },
    ],
    [kind],
  );
  return (
    <Chart title="Latency" history={history} series={series} format={time}>
      <select
        aria-label="Of which operation"
        value={kind}
        onChange={(event) => choose(event.currentTarget.value)}
      >
        {kinds.map((one) => (
          <option key={one} value={one}>
            {one.replace(' ', ': ').replace(/ (\w+)$/, ', $1')}
          </option>
        ))}
      </select>
    </Chart>
  );
}
