import { msgpackCodec } from '../../../src/codec/msgpack.js';
import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  decodeEntry,
  encodeEntry,
  encodeMarker,
  isMarker,
  versionOf,
  type DecodedEntry,
} from '../../../src/codec/entry.js';
import { KeySpace } from '../../../src/client/key-space.js';
import { blobOf } from '../../../src/codec/blobs/blob.js';
import { jsonCodec } from '../../../src/codec/json.js';
import { Serializer } from '../../../src/codec/serializer.js';
import { EncodeError } from '../../../src/errors.js';
import { resealed } from '../../support/entries.js';

const NOW = 1_700_000_000_000;

const count = fc.option(fc.maxSafeNat(), { nil: undefined });
const fields = fc.record({
  codec: fc.nat(15),
  compressor: fc.nat(15),
  marker: fc.boolean(),
  createdAt: fc.nat(2 ** 31 - 1).map((n) => n * 131_071),
  freshFor: count,
  usableFor: count,
  cost: count,
  tags: fc.array(fc.string({ unit: 'grapheme', maxLength: 40 }), { maxLength: 8 }),
});
const payload = fc.uint8Array({ maxLength: 300 });

function decoded(bytes: Buffer): DecodedEntry {
  const entry = decodeEntry(bytes);
  if (!entry.ok) throw new Error(`cannot be read: ${entry.reason}`);
  return entry;
}

const sample = () =>
  encodeEntry(
    { codec: 1, createdAt: NOW, freshFor: 300, usableFor: 900_000, cost: 1234, tags: ['a', 'team:7', 'é'] },
    Buffer.from('the payload'),
  );

describe('an entry', () => {
  it('comes back with all its fields and its payload', () => {
    fc.assert(
      fc.property(fields, payload, (given, bytes) => {
        const entry = decoded(encodeEntry(given, bytes));
        expect(entry.header).toEqual(given);
        expect(Buffer.compare(entry.payload, bytes)).toBe(0);
      }),
    );
  });

  it('may name what its payload begins with', () => {
    const headId = Buffer.from('8 bytes!');
    const bytes = encodeEntry({ codec: 1, createdAt: NOW, tags: ['a'], headId }, Buffer.from('rest'));
    const { headAt, payload: rest, header } = decoded(bytes);
    expect([bytes.toString('latin1', headAt, headAt + 8), String(rest)]).toEqual(['8 bytes!', 'rest']);
    expect(header.tags).toEqual(['a']);
    expect(decoded(sample()).headAt).toBe(-1);
  });

  it('comes back from the middle of a larger buffer, without copying the payload', () => {
    const entry = sample();
    const chunk = Buffer.concat([Buffer.alloc(7, 0xc1), entry, Buffer.alloc(9, 0xff)]);
    const slice = chunk.subarray(7, 7 + entry.length);
    expect(decoded(slice)).toEqual(decoded(entry));
    expect(decoded(slice).payload.buffer).toBe(chunk.buffer);
  });

  it('leaves out what is not given', () => {
    const bytes = encodeEntry({ codec: 2, createdAt: NOW }, new Uint8Array(0));
    expect(bytes.length).toBe(22);
    expect(decoded(bytes).header).toEqual({
      codec: 2,
      compressor: 0,
      marker: false,
      createdAt: NOW,
      freshFor: undefined,
      usableFor: undefined,
      cost: undefined,
      tags: [],
    });
  });

  it('cuts off fractions of a unit', () => {
    const { header } = decoded(encodeEntry({ codec: 1, createdAt: NOW + 0.9, cost: 12.7 }, Buffer.of(1)));
    expect(header).toMatchObject({ createdAt: NOW, cost: 12 });
  });

  it('has a checksum over all its other bytes, however long it is', () => {
    for (const length of [0, 50, 89, 90, 91, 200, 70_000]) {
      const bytes = encodeEntry({ codec: 1, createdAt: NOW }, Buffer.alloc(length, 0xa5));
      expect(resealed(Buffer.from(bytes))).toEqual(bytes);
    }
  });

  it.each([
    { createdAt: -1 },
    { createdAt: 2 ** 48 },
    { createdAt: NaN },
    { freshFor: -1 },
    { freshFor: Infinity },
    { usableFor: 2 ** 53 },
    { cost: NaN },
    { codec: 16 },
    { codec: 1.5 },
    { compressor: -1 },
  ])('refuses %j', (wrong) => {
    expect(() => encodeEntry({ codec: 1, createdAt: NOW, ...wrong }, Buffer.of(1))).toThrow(EncodeError);
  });
});

describe('damage', () => {
  it('of any single bit is noticed', () => {
    const bytes = sample();
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const damaged = Buffer.from(bytes);
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(decodeEntry(damaged).ok).toBe(false);
    }
  });

  it('of any single byte is noticed', () => {
    fc.assert(
      fc.property(
        fields,
        payload,
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (given, bytes, where, change) => {
          const entry = encodeEntry(given, bytes);
          const at = where % entry.length;
          entry[at] = (entry[at] ?? 0) ^ change;
          expect(decodeEntry(entry).ok).toBe(false);
        },
      ),
    );
  });

  it('by cutting it short or lengthening it is noticed', () => {
    const bytes = sample();
    for (let length = 0; length < bytes.length; length++) {
      expect(decodeEntry(bytes.subarray(0, length)).ok).toBe(false);
    }
    expect(decodeEntry(Buffer.concat([bytes, Buffer.of(0)]))).toEqual({ ok: false, reason: 'corrupt' });
  });

  it.each([
    ['no bytes', Buffer.alloc(0), 'not-ours'],
    ['text', Buffer.from('{"some":"other program\'s JSON text"}'), 'not-ours'],
    ['our first byte alone', Buffer.of(0xc1), 'truncated'],
    ['a cut header', sample().subarray(0, 21), 'truncated'],
    ['a cut payload', sample().subarray(0, 40), 'corrupt'],
    ['a later format', resealed(Buffer.from(sample().fill(2, 1, 2))), 'newer-format'],
    ['a format that never was', resealed(Buffer.from(sample().fill(0, 1, 2))), 'not-ours'],
    ['an unknown flag', resealed(Buffer.from(sample().fill(0x41, 2, 3))), 'newer-format'],
    ['a number that never ends', resealed(withBody(0x02, Buffer.alloc(20, 0xff))), 'corrupt'],
    ['a number above 2^53', resealed(withBody(0x02, Buffer.from('ffffffffffffff7f', 'hex'))), 'corrupt'],
    ['more tags than bytes', resealed(withBody(0x10, Buffer.from('ffffffff0f', 'hex'))), 'corrupt'],
    ['a name past the end', resealed(withBody(0x20, Buffer.alloc(7))), 'corrupt'],
    ['a tag past the end', resealed(withBody(0x10, Buffer.from('017f61', 'hex'))), 'corrupt'],
  ])('%s: %s', (_, bytes, reason) => {
    expect(decodeEntry(bytes)).toEqual({ ok: false, reason });
  });

  it('of any kind never throws', () => {
    const forged = fc.tuple(fc.nat(255), fc.uint8Array({ maxLength: 64 })).map(([flags, body]) => {
      return resealed(withBody(flags, Buffer.from(body)));
    });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 200 }).map((b) => Buffer.from(b)),
          forged,
        ),
        (bytes) => {
          decodeEntry(bytes);
          versionOf(bytes);
          isMarker(bytes);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

function withBody(flags: number, body: Buffer): Buffer {
  const head = encodeEntry({ codec: 1, createdAt: NOW }, new Uint8Array(0));
  head[2] = flags;
  return Buffer.concat([head, body]);
}

describe('a version id', () => {
  it('is another one each time', () => {
    const ids = new Set(Array.from({ length: 5000 }, () => versionOf(sample())));
    expect(ids.size).toBe(5000);
  });

  it('is the eight bytes from offset 4, one character each', () => {
    const bytes = sample();
    expect(Buffer.from(versionOf(bytes), 'latin1')).toEqual(bytes.subarray(4, 12));
  });
});

describe('a marker', () => {
  it('is an entry of 22 bytes and more without a value', () => {
    const marker = encodeMarker({ createdAt: NOW, freshFor: 5000 });
    expect(isMarker(marker)).toBe(true);
    expect(decoded(marker).header).toMatchObject({ marker: true, codec: 0, createdAt: NOW, freshFor: 5000 });
    expect(decoded(marker).payload.length).toBe(0);
    expect(encodeMarker({ createdAt: NOW }).length).toBe(22);
  });

  it('is told from values, other bytes and cut ones', () => {
    expect(isMarker(sample())).toBe(false);
    expect(isMarker(Buffer.from('some other text of some length'))).toBe(false);
    expect(isMarker(encodeMarker({ createdAt: NOW }).subarray(0, 21))).toBe(false);
  });
});

describe('docs/format.md', () => {
  const page = readFileSync(new URL('../../../docs/format.md', import.meta.url), 'utf8');
  const [packedExample = Buffer.of(), smaller = Buffer.of(), bytes = Buffer.of()] = [
    ...page.matchAll(/```hex\n([\s\S]*?)```/g),
  ].map(([, dump = '']) => Buffer.from(dump.replaceAll(/#.*$/gm, '').replaceAll(/\s/g, ''), 'hex'));

  it('has a payload of msgpack that is written and read as it says', () => {
    const value = { name: 'Ada', team: { name: 'A' } };
    expect(Buffer.from(msgpackCodec().encode(value)).toString('hex')).toBe(packedExample.toString('hex'));
    expect(msgpackCodec().decode(packedExample)).toEqual(value);
  });

  it('has a name of a blob as its writer finds it', () => {
    const table = packedExample.subarray(0, 1 + packedExample.readUInt8(0));
    expect(page).toContain(`shop:%blob::${blobOf(table).name}`);
    expect(KeySpace.of('shop').within('eu').blobPrefix).toBe('shop:%blob::');
  });

  it('has a compressed payload that is read as it says', () => {
    const entry = encodeEntry({ codec: 2, compressor: 1, createdAt: NOW }, smaller);
    expect(new Serializer(jsonCodec()).decode(entry)).toMatchObject({
      value: Array.from({ length: 30 }, () => ({ name: 'Ada' })),
    });
  });

  it('has an example that is read as it says', () => {
    const { header, payload: packed } = decoded(bytes);
    expect(header).toEqual({
      codec: 2,
      compressor: 0,
      marker: false,
      createdAt: 1_767_225_600_000,
      freshFor: 900_000,
      usableFor: 1_200_000,
      cost: 1500,
      tags: ['team:7'],
    });
    expect(packed.toString()).toBe('{"name":"Ada"}');
  });

  it('has an example that is written as it says, but for the version id and the checksum', () => {
    const { header, payload: packed } = decoded(bytes);
    const written = encodeEntry(header, packed);
    bytes.copy(written, 4, 4, 12);
    expect(resealed(written).toString('hex')).toBe(bytes.toString('hex'));
  });
});
