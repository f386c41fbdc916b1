import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Codec } from '../../../src/codec/codec.js';
import { encodeEntry } from '../../../src/codec/entry.js';
import { jsonCodec } from '../../../src/codec/json.js';
import { msgpackCodec } from '../../../src/codec/msgpack.js';
import { isParted } from '../../../src/codec/parted-codec.js';
import { PlainSerializer } from '../../../src/codec/plain.js';
import { Serializer } from '../../../src/codec/serializer.js';
import { v8Codec } from '../../../src/codec/v8.js';
import { DecodeError } from '../../../src/errors.js';
import { mutated } from '../../support/hostile.js';
import { storable } from '../../support/values.js';

const MOST_BYTES = 8 * 1024 * 1024;

/** Nothing else may come of bytes. */
function readOrRefuse(codec: Codec, bytes: Buffer): void {
  try {
    codec.decode(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(DecodeError);
  }
}

/** Tokens of each format that are followed by a length, with one that lies. */
const LIES: Readonly<Record<string, readonly string[]>> = {
  msgpack: [
    'ddffffffff',
    'dfffffffff',
    'dbffffffff',
    'c6ffffffff',
    'c9ffffffff74',
    'dcffff',
    'd47240ddffffffff',
  ],
  v8: [
    '41ffffffff0f',
    '61ffffffff0f',
    '22ffffffff0f',
    '63feffffff0f',
    '42ffffffff0f',
    '5affffffff0f',
    '6f',
    '3b',
  ],
  json: ['5b5b5b5b5b5b5b5b', '7b2261223a', '31653939393939', '225c7564383030'],
};

describe.each([msgpackCodec(), jsonCodec(), v8Codec()])('the $name codec', (codec) => {
  const bytesOf = storable
    .filter((value) => {
      try {
        return codec.encode(value).length > 0;
      } catch {
        return false; // json takes few of them
      }
    })
    .map((value) => Buffer.from(codec.encode(value)));
  const lies = (LIES[codec.name] ?? []).map((hex) => Buffer.from(hex, 'hex'));
  const hostile = fc.oneof(
    mutated(bytesOf),
    fc.tuple(bytesOf, fc.constantFrom(...lies), fc.nat()).map(([bytes, lie, where]) => {
      const at = where % (bytes.length + 1);
      return Buffer.concat([bytes.subarray(0, at), lie, bytes.subarray(at)]);
    }),
    fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
  );

  it('reads hostile bytes or refuses them with a DecodeError, and takes no memory for lengths that lie', () => {
    const before = process.memoryUsage();
    let most = 0;
    fc.assert(
      fc.property(hostile, (bytes) => {
        readOrRefuse(codec, bytes);
        const { heapTotal, arrayBuffers } = process.memoryUsage();
        most = Math.max(most, heapTotal - before.heapTotal, arrayBuffers - before.arrayBuffers);
      }),
      { numRuns: 400 },
    );
    expect(most).toBeLessThan(200 * 1024 * 1024);
  });

  it('makes an entry that is unreadable of them, and nothing that throws or rejects', async () => {
    const serializer = new Serializer(codec, [], { maxBytes: MOST_BYTES });
    await fc.assert(
      fc.asyncProperty(hostile, fc.nat(15), async (payload, compressor) => {
        const entry = encodeEntry({ codec: codec.id, compressor, createdAt: 1 }, payload);
        const found = serializer.decode(entry);
        if (!found.ok)
          expect(found.reason).toMatch(/^(unfinished|undecodable|other-codec|too-large|missing-blob)$/);
        await serializer.finish(entry);
      }),
      { numRuns: 200 },
    );
  });
});

describe('values whose head stands apart', () => {
  const codec = msgpackCodec();
  const parts = fc
    .array(fc.record({ id: fc.integer(), name: fc.string({ maxLength: 5 }) }), { minLength: 2, maxLength: 4 })
    .map((value) => {
      if (!isParted(codec)) throw new Error('msgpack has parts');
      const { head, body } = codec.encodeParts(value);
      return { head: Buffer.from(head), body: Buffer.from(body) };
    });

  it('are read or refused with a DecodeError, whatever the head and the body', () => {
    const either = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(
        fc.oneof(mutated(parts.map(({ head }) => head)), either),
        fc.oneof(mutated(parts.map(({ body }) => body)), either),
        (head, body) => {
          if (!isParted(codec)) throw new Error('msgpack has parts');
          try {
            codec.decodeParts(head, body);
          } catch (error) {
            expect(error).toBeInstanceOf(DecodeError);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('a plain value', () => {
  it('is read or not ours, whatever the bytes', () => {
    const serializer = new PlainSerializer(() => 1);
    const json = fc.json().map((text) => Buffer.from(text));
    fc.assert(
      fc.property(
        fc.oneof(
          mutated(json),
          fc.uint8Array().map((bytes) => Buffer.from(bytes)),
        ),
        (bytes) => {
          const found = serializer.decode(bytes);
          if (!found.ok) expect(found.reason).toBe('not-ours');
          else expect(JSON.parse(bytes.toString())).toEqual(found.value);
        },
      ),
    );
  });
});
