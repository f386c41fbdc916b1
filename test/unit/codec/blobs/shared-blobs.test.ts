import * as fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';

import { SharedBlobs } from '../../../../src/codec/blobs/shared-blobs.js';
import { parseCompression } from '../../../../src/codec/compression/compression.js';
import { decodeEntry, encodeEntry } from '../../../../src/codec/entry.js';
import { msgpackCodec } from '../../../../src/codec/msgpack.js';
import { Serializer } from '../../../../src/codec/serializer.js';
import { BlobShelf, sharingSerializer } from '../../../support/blob-shelf.js';
import { decodeFully, flipped, resealed } from '../../../support/entries.js';
import { storable } from '../../../support/values.js';

const HOUR = 3_600_000;
const fields = { createdAt: 1_700_000_000_000, freshFor: HOUR };
const user = (id: number): object => ({
  identifier: id,
  firstName: 'Ada',
  familyName: 'Lovelace',
  address: { street: 'St James Square', number: 12 },
});

let shelf: BlobShelf;
let now = 0;
/** What one process has. */
const newProcess = (): Serializer => sharingSerializer(shelf, () => now);
const encoded = (serializer: Serializer, value: unknown, life = HOUR): Buffer => {
  const entry = serializer.encode(value, { ...fields, freshFor: life });
  if (!Buffer.isBuffer(entry)) throw new Error('not at once');
  return entry;
};
const isShared = (entry: Buffer): boolean => {
  const read = decodeEntry(entry);
  return read.ok && read.headAt !== -1;
};
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

beforeEach(() => {
  shelf = new BlobShelf();
});

describe('the shapes of values of one kind', () => {
  it('stand in the first of them, and once for all others, in every process', async () => {
    const writer = newProcess();
    const reader = newProcess();
    const [first, second, third] = [1, 2, 3].map((id) => encoded(writer, user(id))) as [
      Buffer,
      Buffer,
      Buffer,
    ];
    expect([first, second, third].map(isShared)).toEqual([false, true, true]);
    expect(second.length).toBeLessThan(first.length - 45);
    expect(shelf.bytes.size).toBe(1);

    expect(reader.decode(first)).toMatchObject({ value: user(1) });
    expect(reader.decode(second)).toEqual({ ok: false, reason: 'unfinished' });
    expect(await reader.finish(second)).toMatchObject({ ok: true, value: user(2) });
    expect(reader.decode(third)).toMatchObject({ ok: true, value: user(3) });
    expect(shelf.fetches).toBe(1);
    expect(writer.decode(third)).toMatchObject({ ok: true, value: user(3) });
  });

  it('are asked for once by however many reads', async () => {
    const writer = newProcess();
    const entries = Array.from({ length: 50 }, (_, id) => encoded(writer, user(id)));
    const reader = newProcess();
    const read = await Promise.all(entries.map((entry) => decodeFully(reader, entry)));
    expect(read.map((outcome) => outcome.ok && outcome.value)).toEqual(entries.map((_, id) => user(id)));
    expect(shelf.fetches).toBe(1);
  });

  it('stay in the value where they are few, or a small part of it', () => {
    const writer = newProcess();
    const large = { ...user(1), text: 'x'.repeat(5000) };
    for (const value of [{ a: 1 }, [1, 2, 3], 'text', large]) {
      for (let i = 0; i < 3; i++) expect(isShared(encoded(writer, value))).toBe(false);
    }
    expect(shelf.bytes.size).toBe(0);
  });

  it('are not shared without end where they are made of data', () => {
    const writer = newProcess();
    const dictionary = (i: number): object => ({
      [`some long name of a key ${i}`]: 1,
      [`another of them ${i}`]: 2,
    });
    for (let i = 0; i < 400; i++) encoded(writer, dictionary(i));
    expect(shelf.bytes.size).toBe(0);
    for (let i = 0; i < 400; i++) for (let twice = 0; twice < 2; twice++) encoded(writer, dictionary(i));
    expect(shelf.bytes.size).toBe(256);
    expect(isShared(encoded(writer, dictionary(399)))).toBe(false);
  });

  it('live twice as long as the entries, and for ever where those do', async () => {
    const writer = newProcess();
    for (const life of [HOUR, HOUR, 11 * HOUR, 30 * HOUR, 40 * HOUR, 70 * HOUR, HOUR]) {
      encoded(writer, user(1), life);
      await turn();
    }
    expect(shelf.lives).toEqual([24 * HOUR, 60 * HOUR, 140 * HOUR]);
    expect(isShared(writer.encode(user(2), { createdAt: 0 }))).toBe(true);
    expect(shelf.lives.at(-1)).toBe(Infinity);
  });

  it('are seen to once a minute while they are written with', async () => {
    const writer = newProcess();
    const write = async (): Promise<void> => {
      encoded(writer, user(1));
      await turn();
    };
    for (let i = 0; i < 10; i++) await write();
    expect(shelf.lives).toHaveLength(1);
    now += 61_000;
    for (let i = 0; i < 10; i++) await write();
    expect(shelf.lives).toHaveLength(2);
  });
});

describe('shapes that the store has not', () => {
  it('make a miss of the entries of others, for as long as nobody puts them back', async () => {
    const writer = newProcess();
    encoded(writer, user(1));
    const entry = encoded(writer, user(2));
    shelf.bytes.clear();
    const reader = newProcess();
    expect(await decodeFully(reader, entry)).toEqual({ ok: false, reason: 'missing-blob' });
    expect(await decodeFully(reader, entry)).toEqual({ ok: false, reason: 'missing-blob' });
    expect(shelf.fetches).toBe(1);
    shelf.lose();
    encoded(writer, user(3));
    now += 1001;
    expect(await decodeFully(reader, entry)).toMatchObject({ ok: true, value: user(2) });
    expect(writer.decode(entry)).toMatchObject({ ok: true, value: user(2) });
  });

  it('are known again to whoever writes a value of the kind', async () => {
    const writer = newProcess();
    encoded(writer, user(1));
    const entry = encoded(writer, user(2));
    shelf.bytes.clear();
    const reader = newProcess();
    encoded(reader, user(3));
    encoded(reader, user(4));
    expect(reader.decode(entry)).toMatchObject({ ok: true, value: user(2) });
  });

  it('stand in the entries while it refuses them, and are offered again later', async () => {
    const writer = newProcess();
    shelf.failure = new Error('no');
    encoded(writer, user(1));
    encoded(writer, user(2));
    await turn();
    expect(isShared(encoded(writer, user(3)))).toBe(false);
    shelf.failure = undefined;
    expect(isShared(encoded(writer, user(4)))).toBe(false);
    now += 5001;
    expect(isShared(encoded(writer, user(5)))).toBe(true);
    expect(shelf.bytes.size).toBe(1);
  });

  it('stand in the entries where something else has their name', async () => {
    const first = newProcess();
    encoded(first, user(1));
    const entry = encoded(first, user(2));
    for (const name of shelf.bytes.keys()) shelf.bytes.set(name, Buffer.from('other bytes'));
    const writer = newProcess();
    encoded(writer, user(1));
    encoded(writer, user(2));
    await turn();
    expect(isShared(encoded(writer, user(3)))).toBe(false);
    expect(await decodeFully(newProcess(), entry)).toEqual({ ok: false, reason: 'missing-blob' });
  });

  it('make a miss where the store fails, or there is none', async () => {
    const writer = newProcess();
    encoded(writer, user(1));
    const entry = encoded(writer, user(2));
    shelf.failure = new Error('no');
    expect(await decodeFully(newProcess(), entry)).toEqual({ ok: false, reason: 'missing-blob' });
    const alone = new Serializer(msgpackCodec());
    expect(alone.decode(entry)).toEqual({ ok: false, reason: 'missing-blob' });
  });
});

describe('an entry whose shapes stand apart', () => {
  it('brings back any value', async () => {
    const writer = newProcess();
    const reader = newProcess();
    const compression = parseCompression({ threshold: 1 });
    await fc.assert(
      fc.asyncProperty(storable, fc.boolean(), async (value, compress) => {
        const whole = { identifier: 1, someLongName: value, another: [{ ofSomeOther: value }] };
        for (let i = 0; i < 3; i++) {
          const entry = await writer.encode(whole, fields, compress ? compression : undefined);
          expect(await decodeFully(reader, entry)).toMatchObject({ ok: true });
          const read = await decodeFully(reader, entry);
          expect(read.ok && read.value).toStrictEqual(whole);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('takes no damage for a value, and survives what the checksum does not tell', async () => {
    const writer = newProcess();
    const reader = newProcess();
    encoded(writer, user(1));
    const entry = encoded(writer, user(2));
    await decodeFully(reader, entry);
    for (const damaged of flipped(entry)) {
      expect((await decodeFully(reader, damaged)).ok).toBe(false);
      await decodeFully(reader, resealed(damaged));
    }
    for (let length = 0; length < entry.length; length++) {
      expect((await decodeFully(reader, entry.subarray(0, length))).ok).toBe(false);
    }
  });

  it('is a miss where its blob is no table, or its codec has none', async () => {
    const writer = newProcess();
    const junk = Buffer.from('this is no table of shapes at all');
    const blobs = new SharedBlobs(shelf.open());
    const offer = blobs.offer(junk);
    if (!offer) throw new Error('no offer');
    blobs.stands(offer, HOUR);
    for (const codec of [1, 2]) {
      const entry = encodeEntry({ codec, ...fields, headId: offer.blob.id }, Buffer.from([0x01]));
      expect(await decodeFully(writer, entry)).toMatchObject({ ok: false, reason: 'undecodable' });
    }
  });
});
