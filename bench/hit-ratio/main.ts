import { Random } from '../../demo/random.js';
import { optimum } from './optimum.js';
import { parseOptions, USAGE, type HitRatioOptions } from './options.js';
import { replay } from './replay.js';
import { SYNTHETIC } from './synthetic.js';
import { dense, readTraces, type Trace } from './trace.js';

const PARTS = [0.01, 0.05, 0.2];

function print(text = ''): void {
  process.stdout.write(`${text}\n`);
}

function* traces({ folder, only }: HitRatioOptions): Generator<Trace> {
  const all = folder === undefined ? SYNTHETIC.map((make) => make()) : readTraces(folder);
  for (const trace of all) if (only === undefined || trace.name.includes(only)) yield trace;
}

/** Most are small, a few are a thousand times larger. */
function weightsFor(keys: number): Uint32Array {
  const random = new Random(9);
  return Uint32Array.from({ length: keys }, () => Math.round(100 * 1024 ** (random.next() ** 2)));
}

function sizesFor(trace: Trace, keys: number, { sizes }: HitRatioOptions): readonly number[] {
  const chosen = sizes.find(([name]) => trace.name.includes(name))?.[1];
  return chosen ?? trace.sizes ?? PARTS.map((part) => Math.max(1, Math.round(part * keys)));
}

function run(options: HitRatioOptions): void {
  print('hits in % of requests; lead: points above lru-cache');
  print(`${''.padEnd(44)}  Tiercel  lru-cache${options.optimum ? '  optimum' : ''}    lead`);
  const leads: number[] = [];
  for (const trace of traces(options)) {
    const { requests, keys } = dense(trace.requests);
    const weights = options.weighted ? weightsFor(keys) : undefined;
    const percent = (hits: number): number => (100 * hits) / requests.length;
    for (const entries of sizesFor(trace, keys, options)) {
      const hits = replay(requests, keys, { entries, weights });
      const lead = percent(hits.tiercel - hits.lru);
      leads.push(lead);
      const best = options.optimum
        ? percent(optimum(requests, keys, entries))
            .toFixed(1)
            .padStart(9)
        : '';
      print(
        `${`${trace.name} @ ${entries}`.padEnd(44)}${percent(hits.tiercel).toFixed(1).padStart(9)}` +
          `${percent(hits.lru).toFixed(1).padStart(11)}${best}${lead.toFixed(1).padStart(8)}`,
      );
    }
  }
  if (leads.length === 0) throw new Error('there is no such trace');
  const mean = leads.reduce((sum, lead) => sum + lead, 0) / leads.length;
  print(
    `${leads.length} in all: lead ${mean.toFixed(1)} in the mean, ${Math.min(...leads).toFixed(1)} at the least`,
  );
}

try {
  const options = parseOptions(process.argv.slice(2));
  if (options === undefined) print(USAGE);
  else run(options);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
