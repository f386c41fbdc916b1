/**
 * Looks at a fleet of caches from outside, under faults, and says whether it kept its promises: `npm run chaos -- --help`.
 */
import { parseArgs } from 'node:util';
import { TOPOLOGIES, type Topology } from './deployment.js';
import type { FaultName } from './history.js';
import { renderReport } from './report.js';
import { runChaos } from './run.js';
import { FAULTS } from './schedule.js';

const USAGE = `npm run chaos -- [options]

  --minutes N     how long faults happen (1)
  --seed N        the same seed plans the same faults (by chance)
  --topology T    ${TOPOLOGIES.join(', ')} (single)
  --faults A,B    only these, as the report calls them (all)
  --help

Ends with 1 when a promise was not kept.`;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    topology: { type: 'string', default: 'single' },
    faults: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed);
const faults = values.faults?.split(',') as FaultName[] | undefined;
if (values.help) {
  process.stdout.write(`${USAGE}\n`);
} else if (
  !(minutes > 0) ||
  !Number.isInteger(seed) ||
  !TOPOLOGIES.includes(values.topology as Topology) ||
  faults?.some((name) => !FAULTS.includes(name)) === true
) {
  process.stderr.write(`${USAGE}\n`);
  process.exitCode = 2;
} else {
  const topology = values.topology as Topology;
  const report = await runChaos({
    seconds: minutes * 60,
    seed,
    topology,
    ...(faults && { faults }),
    database: 'chaos',
    progress: (line) => process.stderr.write(`... ${line}\n`),
  });
  process.stdout.write(`npm run chaos -- --minutes ${minutes} --seed ${seed} --topology ${topology}\n`);
  process.stdout.write(`${renderReport(report)}\n`);
  if (report.violations.length > 0) process.exitCode = 1;
}
