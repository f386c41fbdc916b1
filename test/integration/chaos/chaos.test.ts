import { describe, expect, it } from 'vitest';
import { renderReport } from '../../../chaos/report.js';
import { runChaos } from '../../../chaos/run.js';

const SECONDS = 18;

describe('a fleet of processes under faults', () => {
  it('gives no answer that the promises rule out', async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    console.log(`npm run chaos -- --minutes ${SECONDS / 60} --seed ${seed}`);
    const report = await runChaos({
      seconds: SECONDS,
      seed,
      topology: 'single',
      database: 'test-chaos',
      progress: () => undefined,
    });
    const text = renderReport(report);
    console.log(text);
    expect(report.history.reads.length).toBeGreaterThan(1000);
    expect(report.history.faults.length).toBeGreaterThanOrEqual(3);
    expect(report.violations, text).toEqual([]);
  }, 120_000);
});
