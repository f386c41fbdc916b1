import { randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  parseCompression,
  type Compression,
  type CompressionOptions,
} from '../../../../src/codec/compression/compression.js';
import { LATER_FROM } from '../../../../src/codec/compression/compressor.js';
import { decodeEntry, encodeEntry } from '../../../../src/codec/entry.js';
import { jsonCodec } from '../../../../src/codec/json.js';
import { msgpackCodec } from '../../../../src/codec/msgpack.js';
import { Serializer } from '../../../../src/codec/serializer.js';
import { varintLength, writeVarint } from '../../../../src/codec/varint.js';
import { InvalidOptionError } from '../../../../src/errors.js';
import { decodeFully, flipped, resealed } from '../../../support/entries.js';

const NOW = { createdAt: 1_700_000_000_000 };
const ALGORITHMS = ['auto', 'deflate', 'brotli', 'zstd', 'lz4'] as const;
const text = (words: number): string => 'words that come again and again '.repeat(words);

function parsed(options: CompressionOptions): Compression {
  const compression = parseCompression(options);
  if (!compression) throw new Error('no compression');
  return compression;
}

/** Bytes as the payload of an entry that claims to have been `length` bytes. */
function forged(compressor: number, length: number, bytes: Uint8Array): Buffer {
  const claim = Buffer.alloc(varintLength(length));
  writeVarint(claim, 0, length);
  return encodeEntry({ codec: 1, compressor, ...NOW }, Buffer.concat([claim, bytes]));
}

describe.each(ALGORITHMS)('compression by %s', (algorithm) => {
  const serializer = new Serializer(msgpackCodec(), [jsonCodec()], { maxBytes: 8 * 1024 * 1024 });
  const compression = parsed({ algorithm });
  const { compressor } = compression;

  it('makes a value smaller and brings it back, at once where it is small', async () => {
    await compressor.starting;
    const value = { id: 1, text: text(100), when: new Date(0) };
    const plain = serializer.encode(value, NOW);
    const entry = serializer.encode(value, NOW, compression);
    if (!Buffer.isBuffer(entry)) throw new Error('not at once');
    expect(entry.length).toBeLessThan(plain.length / 5);
    expect(serializer.decode(entry)).toMatchObject({
      ok: true,
      value,
      header: { compressor: compressor.id, codec: 1 },
    });
  });

  it('does a large value beside the event loop, both ways, and keeps nothing of what it was given', async () => {
    const value = { text: text(10_000), raw: randomBytes(64) };
    const copy = structuredClone(value.raw);
    const encoding = serializer.encode(value, NOW, compression);
    expect(encoding).toBeInstanceOf(Promise);
    value.raw.fill(0);
    const entry = await encoding;
    expect(entry.length).toBeLessThan(40_000);
    expect(serializer.decode(entry)).toEqual({ ok: false, reason: 'unfinished' });
    const finishing = serializer.finish(entry);
    entry.fill(0);
    expect(await finishing).toMatchObject({ ok: true, value: { text: value.text, raw: Buffer.from(copy) } });
  });

  it('leaves alone what is small, and what it cannot make smaller', () => {
    const plain = (value: unknown): number =>
      decoded(serializer.encode(value, NOW, compression) as Buffer).compressor;
    expect(plain(text(10))).toBe(0);
    expect(plain(randomBytes(5000))).toBe(0);
    expect(plain(text(40))).toBe(compressor.id);
  });

  it('takes no damage for a value', async () => {
    const bytes = await serializer.encode(text(100), NOW, compression);
    for (const damaged of flipped(bytes)) {
      expect((await decodeFully(serializer, damaged)).ok).toBe(false);
    }
    for (let length = 0; length < bytes.length; length++) {
      expect((await decodeFully(serializer, bytes.subarray(0, length))).ok).toBe(false);
    }
  });

  it('survives damage that the checksum does not tell', async () => {
    const bytes = await serializer.encode(text(50), NOW, compression);
    for (const damaged of flipped(bytes)) await decodeFully(serializer, resealed(damaged));
    for (let length = 22; length < bytes.length; length++) {
      await decodeFully(serializer, resealed(Buffer.from(bytes.subarray(0, length))));
    }
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.nat(100_000), async (payload, length) => {
        expect((await decodeFully(serializer, forged(compressor.id, length + 1, payload))).ok).toBe(false);
      }),
    );
  });

  it('refuses a few bytes that would fill the memory', async () => {
    const bomb = compressor.compress(Buffer.alloc(64 * 1024 * 1024), undefined, undefined);
    expect(bomb.length).toBeLessThan(512 * 1024);
    const before = process.memoryUsage().arrayBuffers;
    const outcomes = [];
    for (const claim of [1, 100, LATER_FROM - 1, LATER_FROM, 8 * 1024 * 1024, 64 * 1024 * 1024, 2 ** 40]) {
      outcomes.push(await decodeFully(serializer, forged(compressor.id, claim, bomb)));
    }
    expect(outcomes.map((outcome) => !outcome.ok && outcome.reason)).toEqual([
      ...Array.from({ length: 5 }, () => 'undecodable'),
      'too-large',
      'too-large',
    ]);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(40 * 1024 * 1024);
  });

  it('refuses what it would not read again, however small it would become', () => {
    const small = new Serializer(msgpackCodec(), [], { maxBytes: 10_000 });
    expect(() => small.encode(text(1000), NOW, compression)).toThrow(/more than maxValueBytes \(10000\)/);
  });
});

function decoded(entry: Buffer): { compressor: number } {
  const read = decodeEntry(entry);
  if (!read.ok) throw new Error(read.reason);
  return read.header;
}

describe('an entry of a compressor nobody has', () => {
  it('is a miss', () => {
    for (const id of [5, 6, 7]) {
      expect(new Serializer(msgpackCodec()).decode(forged(id, 10, Buffer.alloc(10)))).toEqual({
        ok: false,
        reason: 'other-codec',
      });
    }
  });
});

describe('the option compression', () => {
  it('is none, the defaults, or what it says', () => {
    expect(parseCompression(false)).toBeUndefined();
    expect(parseCompression(true)).toMatchObject({ threshold: 1024, level: undefined });
    const options = { algorithm: 'brotli', threshold: '4kb', level: 4 } as const;
    expect(parseCompression(options)).toMatchObject({ threshold: 4096, level: 4, compressor: { id: 2 } });
    expect(parseCompression(options)).toBe(parseCompression(options));
  });

  it.each<[string, unknown]>([
    ["'gzip'", { algorithm: 'gzip' }],
    ['0', { threshold: 0 }],
    ['0', { algorithm: 'deflate', level: 0 }],
    ['12', { algorithm: 'brotli', level: 12 }],
    ['3', { algorithm: 'lz4', level: 3 }],
    ['3', { level: 3 }],
    ["'tresh'", { tresh: 1 }],
    ['1', 1],
  ])('refuses %s in %j', (shown, options) => {
    expect(() => parseCompression(options as CompressionOptions)).toThrow(InvalidOptionError);
    expect(() => parseCompression(options as CompressionOptions)).toThrow(shown);
  });
});
