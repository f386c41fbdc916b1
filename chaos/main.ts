/**
 * Looks at a fleet of caches from outside, under faults, and says whether it kept its promises: `npm run chaos -- --help`.
 */
import { parseArgs } from 'node:util';
import { TOPOLOGIES, type Topology } from './deployment.js';
import { chooseFaults } from './faults.js';
import type { FaultName } from './history.js';
import { renderReport } from './report.js';
import { runChaos } from './run.js';

const USAGE = `npm run chaos -- [options]

  --minutes N     how long faults happen (1)
  --seed N        the same seed plans the same faults (by chance)
  --topology T    ${TOPOLOGIES.join(', ')} (single)
  --faults A,B    only these, as the report calls them (all that the topology has)
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
const topology = TOPOLOGIES.find((name) => name === values.topology);
const asked = values.faults?.split(',').map((name) => name.trim());
if (values.help) {
  process.stdout.write(`${USAGE}\n`);
} else if (!(minutes > 0) || !Number.isInteger(seed) || !topology) {
  refuse(USAGE);
} else {
  const faults = chosen(topology);
  if (faults) await run(topology, faults);
}

function chosen(from: Topology): readonly FaultName[] | undefined {
  try {
    return chooseFaults(from, asked);
  } catch (error) {
    refuse(error instanceof Error ? error.message : String(error));
    return undefined;
  }
}

function refuse(why: string): void {
  process.stderr.write(`${why}\n`);
  process.exitCode = 2;
}

async function run(over: Topology, faults: readonly FaultName[]): Promise<void> {
  const only = asked ? ` --faults '${faults.join()}'` : '';
  // First, so that it is known of a run that breaks off, too.
  process.stdout.write(`npm run chaos -- --minutes ${minutes} --seed ${seed} --topology ${over}${only}\n`);
  const report = await runChaos({
    seconds: minutes * 60,
    seed,
    topology: over,
    faults,
    database: 'chaos',
    progress: (line) => process.stderr.write(`... ${line}\n`),
  });
  process.stdout.write(`${renderReport(report)}\n`);
  if (report.violations.length > 0) process.exitCode = 1;
}
