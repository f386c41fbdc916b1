// One contender in a process of its own: nobody pays for another's heap or for code compiled for two.
import { median } from '../report/summary.js';
import { WORKLOADS } from './contenders.js';

const BATCH = 10_000;

const [workload = '', contender = '', keys = ''] = process.argv.slice(2);
let done = 0;
const make = WORKLOADS[workload]?.contenders[contender];
if (make === undefined) throw new Error(`there is no ${workload} of ${contender}`);
const loop = await make(Number(keys));

process.on('message', (milliseconds: number) => void round(milliseconds));
process.send?.('ready');

/**
 * Answers with the nanoseconds an operation of the median batch: a batch is a millisecond or so, and those in which the
 * machine did something else are not in the middle.
 */
async function round(milliseconds: number): Promise<void> {
  const batches: number[] = [];
  const began = performance.now();
  for (let now = began; now - began < milliseconds;) {
    const before = now;
    const result = await loop(BATCH, done);
    done += BATCH;
    if (!(result > 0)) throw new Error(`${contender}: nothing was found`);
    now = performance.now();
    batches.push(((now - before) / BATCH) * 1e6);
  }
  process.send?.(median(batches));
}
