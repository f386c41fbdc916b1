import { beforeEach, describe, expect, it } from 'vitest';

import { parseCompression, type Compression } from '../../../../src/codec/compression/compression.js';
import { platformZstd } from '../../../../src/codec/compression/zlib.js';
import { decodeEntry, encodeEntry } from '../../../../src/codec/entry.js';
import { jsonCodec } from '../../../../src/codec/json.js';
import type { Serializer } from '../../../../src/codec/serializer.js';
import { InvalidOptionError } from '../../../../src/errors.js';
import { BlobShelf, sharingSerializer } from '../../../support/blob-shelf.js';
import { decodeFully, flipped, resealed } from '../../../support/entries.js';

const HOUR = 3_600_000;
const fields = { createdAt: 1_700_000_000_000, freshFor: HOUR };
const user = (id: number): object => ({
  id,
  mail: `user${id}@mail.example.org`,
  city: ['Somewhere', 'Elsewhere', 'Nowhere'][id % 3],
  bio: 'likes long walks and short functions, and writes of both',
});
/** Of another kind altogether. */
const order = (id: number): object => ({
  order: `ORD-${id}`,
  lines: [{ article: `ART/${id * 3}`, delivery: 'by an ordinary parcel service, within the week' }],
});

let shelf: BlobShelf;
let now = 0;
beforeEach(() => {
  shelf = new BlobShelf();
});

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const newProcess = (): Serializer => sharingSerializer(shelf, () => now, [jsonCodec()]);
const usesDictionary = (entry: Buffer): boolean => {
  const read = decodeEntry(entry);
  return read.ok && read.header.compressor > 8;
};

/** Nodes between the first with zstd and 22.19 have it without dictionaries. */
const algorithms = (['auto', 'deflate', 'zstd', 'lz4'] as const).filter(
  (algorithm) => algorithm !== 'zstd' || platformZstd?.takesDictionary !== false,
);

describe.each(algorithms)('a dictionary for %s', (algorithm) => {
  const compression = parseCompression({ algorithm, dictionary: true }) as Compression;
  const encoded = (serializer: Serializer, value: object): Buffer =>
    serializer.encode(value, fields, compression) as Buffer;
  async function trained(make = user): Promise<{ writer: Serializer; entries: Buffer[] }> {
    await compression.compressor.starting;
    const writer = newProcess();
    const entries = [];
    for (let i = 0; i < 200; i++) entries.push(encoded(writer, make(i)));
    for (let i = 0; i < 5; i++) await turn();
    return { writer, entries };
  }

  it('is made of the first values, and makes those after them smaller', async () => {
    const { writer, entries } = await trained();
    expect(entries.some(usesDictionary)).toBe(false);
    const entry = encoded(writer, user(5000));
    expect(usesDictionary(entry)).toBe(true);
    expect(entry.length).toBeLessThan(JSON.stringify(user(5000)).length * 0.7);
    expect(writer.decode(entry)).toMatchObject({ ok: true, value: user(5000) });
  });

  it('reaches the other processes, readers and writers', async () => {
    const { writer } = await trained();
    const entry = encoded(writer, user(7));
    const reader = newProcess();
    expect(reader.decode(entry)).toEqual({ ok: false, reason: 'unfinished' });
    expect(await reader.finish(entry)).toMatchObject({ ok: true, value: user(7) });
    expect(reader.decode(entry)).toMatchObject({ ok: true, value: user(7) });
    expect(usesDictionary(encoded(reader, user(8)))).toBe(false);
    for (let i = 0; i < 5; i++) await turn();
    expect(usesDictionary(encoded(reader, user(9)))).toBe(true);
    expect(shelf.claims).toBe(1);
  });

  it('takes no damage for a value, and survives what the checksum does not tell', async () => {
    const { writer } = await trained();
    const entry = encoded(writer, user(3));
    for (const damaged of flipped(entry)) {
      expect((await decodeFully(writer, damaged)).ok).toBe(false);
      await decodeFully(writer, resealed(damaged));
    }
    for (let length = 0; length < entry.length; length++) {
      expect((await decodeFully(writer, entry.subarray(0, length))).ok).toBe(false);
    }
  });

  it('that is gone makes a miss of its entries for others, and of no more', async () => {
    const { writer, entries } = await trained();
    const entry = encoded(writer, user(3));
    shelf.bytes.clear();
    const reader = newProcess();
    expect(await decodeFully(reader, entry)).toEqual({ ok: false, reason: 'missing-blob' });
    expect(await decodeFully(reader, entries[0] as Buffer)).toMatchObject({ ok: true, value: user(0) });
    expect(writer.decode(entry)).toMatchObject({ ok: true, value: user(3) });
  });

  it('refuses a few bytes that would fill the memory', async () => {
    const { writer } = await trained();
    const entry = decodeEntry(encoded(writer, user(3)));
    if (!entry.ok) throw new Error(entry.reason);
    const dictionary = [...shelf.bytes.values()].at(-1);
    const bomb = compression.compressor.compress(Buffer.alloc(16 * 1024 * 1024), undefined, dictionary);
    const head = Buffer.concat([entry.payload.subarray(0, 8), Buffer.from([100])]);
    const forged = encodeEntry({ codec: 2, compressor: entry.header.compressor, ...fields }, bomb, head);
    expect(writer.decode(forged)).toMatchObject({ ok: false, reason: 'undecodable' });
  });
});

describe('the making of a dictionary', () => {
  const compression = parseCompression({ algorithm: 'deflate', dictionary: 'users' }) as Compression;
  const write = async (serializer: Serializer, make: (i: number) => object, count = 200): Promise<void> => {
    for (let i = 0; i < count; i++) void serializer.encode(make(i), fields, compression);
    for (let i = 0; i < 5; i++) await turn();
  };

  it('is the work of one process', async () => {
    const processes = [1, 2, 3, 4].map(newProcess);
    for (const serializer of processes) {
      for (let i = 0; i < 200; i++) void serializer.encode(user(i), fields, compression);
    }
    for (let i = 0; i < 10; i++) await turn();
    expect(shelf.bytes.size).toBe(1);
    now += 10 * 60_000;
    for (const serializer of processes) await write(serializer, user, 2);
    for (const serializer of processes) {
      expect(usesDictionary(serializer.encode(user(1), fields, compression) as Buffer)).toBe(true);
    }
  });

  it('is not done for values that have nothing in common', async () => {
    const writer = newProcess();
    const noise = (): object => ({
      n: Array.from({ length: 12 }, () => Math.random().toString(36)).join(''),
    });
    await write(writer, noise);
    expect(shelf.claims).toBe(1);
    expect(shelf.bytes.size).toBe(0);
    await write(writer, noise, 150);
    expect(shelf.claims).toBe(1);
  });

  it('is done again where the values come to be others, and the entries of before stay readable', async () => {
    const writer = newProcess();
    await write(writer, user);
    await write(writer, user, 600);
    const before = writer.encode(user(1), fields, compression) as Buffer;
    shelf.claimed = false;
    await write(writer, order, 900);
    await write(writer, order, 300);
    expect(shelf.bytes.size).toBe(2);
    const after = writer.encode(order(1), fields, compression) as Buffer;
    const reader = newProcess();
    for (const serializer of [writer, reader]) {
      expect(await decodeFully(serializer, before)).toMatchObject({ ok: true, value: user(1) });
      expect(await decodeFully(serializer, after)).toMatchObject({ ok: true, value: order(1) });
    }
    expect(after.length).toBeLessThan(JSON.stringify(order(1)).length);
  });

  it('fails without anybody noticing where the store does, and is tried again', async () => {
    const writer = newProcess();
    shelf.failure = new Error('no');
    await write(writer, user);
    expect(usesDictionary(writer.encode(user(1), fields, compression) as Buffer)).toBe(false);
    shelf.failure = undefined;
    shelf.claimed = false;
    now += 10_000;
    await write(writer, user);
    expect(usesDictionary(writer.encode(user(1), fields, compression) as Buffer)).toBe(true);
  });

  it('is refused with brotli, and by a name that is none', () => {
    expect(() => parseCompression({ algorithm: 'brotli', dictionary: true })).toThrow(InvalidOptionError);
    for (const dictionary of ['', 1, '\ud800']) {
      expect(() => parseCompression({ dictionary: dictionary as string })).toThrow(InvalidOptionError);
    }
  });
});
