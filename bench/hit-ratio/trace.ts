import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';

/** What was asked for, in order: one key id a request. */
export interface Trace {
  readonly name: string;
  readonly requests: Uint32Array;
  /** Memories to try it with, in entries; left out: parts of the keys there are. */
  readonly sizes?: readonly number[];
}

/** Reads the `*.gz` of a folder: each is gzip of little-endian uint32. */
export function* readTraces(folder: string): Generator<Trace> {
  for (const file of readdirSync(folder).toSorted()) {
    if (!file.endsWith('.gz')) continue;
    const bytes = gunzipSync(readFileSync(join(folder, file)));
    if (bytes.length % 4 !== 0) throw new Error(`${file}: its ${bytes.length} bytes are no numbers of four`);
    const requests = new Uint32Array(new Uint8Array(bytes).buffer);
    yield { name: basename(file).replace(/(\.u32)?\.gz$/, ''), requests };
  }
}

/** The same with ids from 0 on, without gaps. */
export function dense(requests: Uint32Array): { requests: Uint32Array; keys: number } {
  const ids = new Map<number, number>();
  const renamed = requests.map((id) => {
    const known = ids.get(id);
    if (known !== undefined) return known;
    ids.set(id, ids.size);
    return ids.size - 1;
  });
  return { requests: renamed, keys: ids.size };
}
