import { parseArgs } from 'node:util';

export interface HitRatioOptions {
  /** A folder with traces; left out: the synthetic ones. */
  readonly folder: string | undefined;
  /** Part of a trace's name. */
  readonly only: string | undefined;
  /** Entries to try with, for traces whose name has the first part; the first that fits is taken. */
  readonly sizes: readonly (readonly [name: string, sizes: readonly number[]])[];
  /** Values of different sizes, with a bound on the bytes. */
  readonly weighted: boolean;
  readonly optimum: boolean;
}

export const USAGE = `npm run bench:hit-ratio -- [folder] [options]

  folder            traces: files *.gz, each gzip of little-endian uint32, one key id a request;
                    left out: synthetic ones
  --only TEXT       traces with this in their name
  --at [NAME=]N,N   entries of the memory, for all traces or those with NAME in their name; may be repeated
                    (default: a hundredth, a twentieth and a fifth of the keys of a trace)
  --weighted        values of 100 B to 100 KiB, and as many bytes as so many entries of the mean size
  --no-optimum      leave out the optimum, which takes long for millions of requests
  --help`;

function sizesFrom(text: string): readonly [name: string, sizes: readonly number[]] {
  const [name, list] = text.includes('=') ? text.split('=', 2) : ['', text];
  const sizes = (list ?? '').split(',').map(Number);
  const wrong = sizes.find((size) => !Number.isInteger(size) || size < 1);
  if (wrong !== undefined) throw new Error(`--at must be whole numbers of entries, not ${text}`);
  return [name ?? '', sizes];
}

/**
 * The options, or undefined when help was asked for.
 *
 * @throws Error that names what is wrong.
 */
export function parseOptions(argv: readonly string[]): HitRatioOptions | undefined {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      only: { type: 'string' },
      at: { type: 'string', multiple: true, default: [] },
      weighted: { type: 'boolean', default: false },
      'no-optimum': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  return {
    folder: positionals[0],
    only: values.only,
    sizes: values.at.map(sizesFrom),
    weighted: values.weighted,
    optimum: !values['no-optimum'] && !values.weighted,
  };
}
