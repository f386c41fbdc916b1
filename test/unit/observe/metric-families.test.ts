import { describe, expect, it } from 'vitest';

import { Histogram } from '../../../src/metrics/histogram.js';
import { CacheMetrics } from '../../../src/metrics/cache-metrics.js';
import { COUNTERS } from '../../../src/metrics/counters.js';
import type { MetricsCounter, MetricsCounters, MetricsSnapshot } from '../../../src/metrics/snapshot.js';
import { exposition } from '../../../src/observe/exposition.js';
import { histogramSamples, powersOfTwo } from '../../../src/observe/histogram-samples.js';
import { metricFamilies } from '../../../src/observe/metric-families.js';
import { FakeClock } from '../../support/fake-clock.js';

const snapshot = (): MetricsSnapshot => new CacheMetrics({ clock: new FakeClock() }).snapshot();

function counterSamples(counts: Partial<MetricsCounters>): Record<string, number> {
  const namespaces = { shop: { ...snapshot().counters, ...counts } };
  const samples: Record<string, number> = {};
  for (const { name, samples: own } of metricFamilies({ ...snapshot(), namespaces })) {
    for (const { labels, value } of own) {
      if (labels['namespace'] === 'shop') samples[`${name} ${JSON.stringify(labels)}`] = value;
    }
  }
  return samples;
}

describe('metrics for Prometheus', () => {
  it('have names as its conventions ask for', () => {
    for (const { name, type, help } of metricFamilies(snapshot())) {
      expect(name).toMatch(/^[a-z][a-z_]*[a-z]$/);
      expect(name.endsWith('_total')).toBe(type === 'counter');
      if (type === 'histogram') expect(name).toMatch(/_seconds$/);
      expect(help).toMatch(/\.$|1 or 0\.$/);
    }
  });

  it('have each count of a namespace exactly once, but for those that are sums of others', () => {
    const sums = new Set<MetricsCounter>(['hits', 'errors', 'staleServes', 'backgroundErrors']);
    for (const name of COUNTERS) {
      const told = Object.values(counterSamples({ [name]: 7 })).reduce((sum, value) => sum + value, 0);
      // A load that timed out is a failure too, and told as the one or the other.
      const expected = sums.has(name) || name === 'loadTimeouts' ? 0 : 7;
      expect([name, told]).toEqual([name, expected]);
    }
  });

  it('tell loads that timed out from those that failed otherwise', () => {
    const samples = counterSamples({ loadFailures: 7, loadTimeouts: 3 });
    expect(samples['load_failures_total {"namespace":"shop","reason":"error"}']).toBe(4);
    expect(samples['load_failures_total {"namespace":"shop","reason":"timeout"}']).toBe(3);
  });

  it('have no label but those that are bounded', () => {
    const metrics = new CacheMetrics();
    const shop = metrics.namespace('shop');
    shop.readFromRedis('hit', 1, 'secret key');
    for (let i = 0; i < 5000; i++) shop.hitUntimed('secret key');
    shop.servedStale('error', 1);
    expect(JSON.stringify(metrics.snapshot())).toContain('secret key');
    const families = metricFamilies(metrics.snapshot());
    expect(JSON.stringify(families)).not.toContain('secret');
    const names = new Set(
      families.flatMap(({ samples }) => samples.flatMap(({ labels }) => Object.keys(labels))),
    );
    expect([...names].toSorted()).toEqual([
      'direction',
      'layer',
      'le',
      'namespace',
      'operation',
      'outcome',
      'reason',
    ]);
  });

  it('have how late changes are heard of in seconds, from the first scrape on, where anybody tells of them', () => {
    const lagSamples = (metrics: CacheMetrics): Record<string, number> | undefined => {
      const families = metricFamilies(metrics.snapshot());
      const lag = families.find(({ name }) => name === 'coherence_lag_seconds');
      expect(lag?.type).toBe('histogram');
      return Object.fromEntries(
        lag?.samples.map(({ suffix, labels, value }) => [`${suffix} ${labels['le'] ?? ''}`, value]) ?? [],
      );
    };
    expect(lagSamples(new CacheMetrics())).toEqual({});
    const metrics = new CacheMetrics();
    let measured: (milliseconds: number) => void = () => undefined;
    metrics.attach(undefined, undefined, { onLag: (listener) => void (measured = listener) });
    expect(lagSamples(metrics)).toMatchObject({ '_bucket +Inf': 0, '_count ': 0 });
    measured(3);
    measured(500);
    expect(lagSamples(metrics)).toMatchObject({
      '_bucket 0.002': 0,
      '_bucket 0.004': 1,
      '_bucket 0.512': 2,
      '_bucket +Inf': 2,
      '_sum ': 0.503,
      '_count ': 2,
    });
  });

  it('put a duration into the bucket whose bound it does not pass, exactly', () => {
    const bounds = powersOfTwo(-4, 4);
    const histogram = new Histogram();
    const durations = [0.01, 0.0624, 0.0626, 0.3, 1.5, 15.9, 16.1, 5000];
    for (const duration of durations) histogram.record(duration);
    const samples = histogramSamples(histogram.snapshot(), bounds, { layer: 'redis' });
    for (const { suffix, labels, value } of samples.filter((sample) => sample.suffix === '_bucket')) {
      const bound = labels['le'] === '+Inf' ? Infinity : Number(labels['le']) * 1000;
      expect([suffix, bound, value]).toEqual(['_bucket', bound, durations.filter((d) => d <= bound).length]);
    }
    expect(samples.at(-1)).toEqual({ suffix: '_count', labels: { layer: 'redis' }, value: durations.length });
    expect(samples.at(-2)?.value).toBeCloseTo(durations.reduce((a, b) => a + b, 0) / 1000, 9);
  });
});

describe('the text that Prometheus reads', () => {
  it('is one line a sample, below what the metric is', () => {
    const text = exposition([
      {
        name: 'reads_total',
        help: 'Reads.\nOf \\ keys.',
        type: 'counter',
        samples: [
          { labels: {}, value: 3 },
          { labels: { namespace: 'a "b"\\\n', layer: 'redis' }, value: 1e21 },
        ],
      },
      { name: 'nothing', help: 'Nothing.', type: 'gauge', samples: [] },
      { name: 'most', help: 'Most.', type: 'gauge', samples: [{ labels: {}, value: Infinity }] },
    ]);
    expect(text).toBe(
      [
        String.raw`# HELP reads_total Reads.\nOf \\ keys.`,
        '# TYPE reads_total counter',
        'reads_total 3',
        String.raw`reads_total{namespace="a \"b\"\\\n",layer="redis"} 1e+21`,
        '# HELP most Most.',
        '# TYPE most gauge',
        'most +Inf',
        '',
      ].join('\n'),
    );
  });
});
