import { parseArgs } from 'node:util';
import { WORKLOADS } from './contenders.js';
import { measureBytes } from './bytes.js';
import { compareSpeed } from './speed.js';

const USAGE = `npm run bench:memory -- [options]

  --only A,B     ${[...Object.keys(WORKLOADS), 'bytes'].join(', ')}
  --rounds N     measured rounds of each contender (11)
  --ms N         length of a round (100)
  --help`;

function print(line = ''): void {
  process.stdout.write(`${line}\n`);
}

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '11' },
    ms: { type: 'string', default: '100' },
    help: { type: 'boolean', default: false },
  },
});
const known = [...Object.keys(WORKLOADS), 'bytes'];
const only = values.only?.split(',') ?? known;
const unknown = only.find((id) => !known.includes(id));
if (unknown !== undefined) {
  process.stderr.write(`--only: there is no ${unknown}; there are ${known.join(', ')}\n`);
  process.exitCode = 2;
} else if (values.help) print(USAGE);
else {
  await compareSpeed({ only, rounds: Number(values.rounds), milliseconds: Number(values.ms) }, print);
  if (only.includes('bytes')) await measureBytes(print);
}
