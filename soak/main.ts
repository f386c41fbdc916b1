/**
 * Watches what a process with caches holds while they come and go: `npm run soak -- --minutes 5`. Ends with 1 when something grows.
 */
import { parseArgs } from 'node:util';
import { startRedis } from '../servers/redis.js';
import { leaks } from './leaks.js';
import { soak } from './soak.js';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '1' } } });
const minutes = Number(values.minutes);
if (!(minutes > 0)) throw new Error(`--minutes: expected a number above 0, got ${values.minutes}`);

await using redis = await startRedis();
const report = await soak({
  redisUrl: redis.url,
  seconds: minutes * 60,
  onSample: ({ heapBytes, handles, listeners, clients }) => {
    const heap = (heapBytes / 1e6).toFixed(2);
    process.stderr.write(
      `... heap ${heap} MB, ${handles} handles, ${listeners} listeners, ${clients} connections\n`,
    );
  },
});
const found = leaks(report);
process.stdout.write(
  `npm run soak -- --minutes ${minutes}\n` +
    `${report.samples.length} rounds, ${report.cycles} caches opened and closed, ${report.calls} calls; ` +
    `the heap grows by ${report.heapPerRound.toFixed(0)} bytes a round\n` +
    `${found.length === 0 ? 'nothing leaks' : found.join('\n')}\n`,
);
if (found.length > 0) process.exitCode = 1;
