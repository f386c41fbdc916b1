import { describe, expect, it } from 'vitest';
import type { Measurement } from '../../../demo/load/measure.js';
import { comparisonTable, oneCallerLines } from '../../../demo/load/report.js';
import { formatNumber } from '../../../demo/terminal/table.js';

function measurement(requests: number, mean: number, queries: number, hitRatio: number): Measurement {
  const latency = { count: requests, mean, p50: mean, p95: mean * 2, p99: mean * 3 };
  const answers = { memory: hitRatio - 0.01, redis: 0.01, database: 1 - hitRatio };
  const views = requests / 20;
  const viewStatements = queries < requests ? views / 100 : views;
  return {
    requests,
    requestsPerSecond: requests / 10,
    latency,
    queries,
    hitRatio,
    answers,
    edits: requests / 100,
    listsPreloaded: queries < requests ? 2 : 0,
    listLoads: queries < requests ? 0 : (requests * 9) / 100,
    views,
    viewStatements,
  };
}

describe('comparisonTable', () => {
  const table = comparisonTable(measurement(1000, 300, 1000, 0), measurement(50_000, 2, 2500, 0.96));

  it('shows both runs and the factor between them', () => {
    expect(table).toMatch(/requests\/s +100 +5,000 +50\.0 x/);
    expect(table).toMatch(/mean +300 ms +2\.00 ms +150 x/);
    expect(table).toMatch(/p99 +900 ms +6\.00 ms +150 x/);
  });

  it('shows which layer answered', () => {
    expect(table).toMatch(/answered from memory +95\.0 %/);
    expect(table).toMatch(/answered from Redis +1\.0 %/);
    expect(table).toMatch(/answered from the database +4\.0 %/);
  });

  it('measures the load saved by queries a request, not by queries', () => {
    expect(table).toMatch(/database queries +1,000 +2,500/);
    expect(table).toMatch(/queries per 1,000 requests +1,000 +50\.0/);
    expect(table).toMatch(/hit ratio +0\.0 % +96\.0 %/);
    expect(table).toMatch(/views counted \/ statements for them +50 \/ 50 +2,500 \/ 25\n/);
    expect(table).toMatch(/lists preloaded \/ loaded by callers +0 \/ 90 +2 \/ 0\n/);
    expect(table).toMatch(/profile edits, written through +10 +500\n/);
    expect(table).toMatch(/database load saved +95\.0 %/);
  });
});

describe('oneCallerLines', () => {
  it('names the tuned query beside the cache', () => {
    const lines = oneCallerLines({ asWritten: 60, tuned: 0.6, cached: 0.15 });
    expect(lines).toMatch(/tuned query.*0\.600 ms/);
    expect(lines).toMatch(/cache.*0\.150 ms.*4\.00/);
  });
});

describe('formatNumber', () => {
  it('keeps three digits of small numbers and all of large ones', () => {
    expect([0, 0.04631, 9.999, 15.76, 99.96, 12_345.6].map(formatNumber)).toEqual([
      '0',
      '0.0463',
      '10.0',
      '15.8',
      '100',
      '12,346',
    ]);
  });
});
