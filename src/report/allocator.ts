import type { AllocatorFit } from './memory-report.js';

/** A way to round an allocation up. */
interface Allocator {
  readonly name: string;
  readonly allocated: (bytes: number) => number;
}

/**
 * jemalloc: multiples of the quantum, and from four quanta on four classes to each doubling (its man page, "Size Classes").
 * Redis builds its own with a quantum of 8; that of most distributions has 16.
 */
function jemalloc(quantum: 8 | 16): Allocator {
  return {
    name: `jemalloc, quantum ${quantum}`,
    allocated(bytes) {
      if (bytes <= 8) return 8;
      const step = Math.max(quantum, 2 ** (Math.floor(Math.log2(bytes - 1)) - 2));
      return Math.ceil(bytes / step) * step;
    },
  };
}

/** glibc's malloc: multiples of 16 with 8 bytes of its own in each, 24 to use at least. */
const libc: Allocator = {
  name: 'libc',
  allocated: (bytes) => Math.max(24, Math.ceil((bytes + 8) / 16) * 16 - 8),
};

const ALLOCATORS: readonly Allocator[] = [jemalloc(8), jemalloc(16), libc];

const OBJECT = 16;
/** The longest value that stands in one piece with its object. */
const LONGEST_EMBEDDED = 44;
/** From here on Redis keeps the buffer it received the value in, with the line end behind it. */
const BIG_ARGUMENT = 32 * 1024;

/** What Redis takes for the bytes of a string (sds.c): a header by their length, and a zero. */
function sdsBytes(length: number, isKey: boolean): number {
  const header = isKey && length < 32 ? 1 : length < 256 ? 3 : length < 65_536 ? 5 : 9;
  return header + length + 1;
}

function valueBytes(length: number, { allocated }: Allocator): number {
  if (length <= LONGEST_EMBEDDED) return allocated(OBJECT + sdsBytes(length, false));
  const lineEnd = length >= BIG_ARGUMENT ? 2 : 0;
  return allocated(OBJECT) + allocated(sdsBytes(length, false) + lineEnd);
}

/** A string key with what `MEMORY USAGE` says of it. */
export interface MeasuredString {
  readonly keyBytes: number;
  readonly valueBytes: number;
  readonly usage: number;
}

/** Tells what a key would take with a value of another length. */
export interface AllocatorModel extends AllocatorFit {
  /** @param length - of the other value. */
  usageWith(measured: MeasuredString, length: number): number;
}

/**
 * The allocator is not asked for: what a server names does not tell its quantum. It is the one whose classes leave the most
 * even rest for what else Redis keeps for a key, which is the same for every key of a server.
 */
export function fitAllocator(sample: readonly MeasuredString[]): AllocatorModel {
  const fits = ALLOCATORS.map((allocator) => {
    const rests = sample.map(
      ({ keyBytes, valueBytes: length, usage }) =>
        usage - allocator.allocated(sdsBytes(keyBytes, true)) - valueBytes(length, allocator),
    );
    const middle = rests.toSorted((a, b) => a - b)[rests.length >> 1] ?? 0;
    const off = rests.reduce((sum, rest) => sum + Math.abs(rest - middle), 0);
    return { allocator, meanError: rests.length === 0 ? 0 : off / rests.length };
  });
  const { allocator, meanError } = fits.reduce((best, fit) => (fit.meanError < best.meanError ? fit : best));
  return {
    name: allocator.name,
    meanError,
    // Only the value changes, so what stands beside it is as it was measured.
    usageWith: ({ valueBytes: before, usage }, length) =>
      usage + valueBytes(length, allocator) - valueBytes(before, allocator),
  };
}
