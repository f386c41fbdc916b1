import { describe, expect, it } from 'vitest';

import type { Codec } from '../../../src/codec/codec.js';
import { encodeEntry, encodeMarker } from '../../../src/codec/entry.js';
import { jsonCodec } from '../../../src/codec/json.js';
import { msgpackCodec } from '../../../src/codec/msgpack.js';
import { Serializer } from '../../../src/codec/serializer.js';
import { EncodeError, InvalidOptionError } from '../../../src/errors.js';

const NOW = 1_700_000_000_000;
const value = { id: 1, at: new Date(NOW), photo: Buffer.from('bytes') };
const failing: Codec = {
  name: 'failing',
  id: 9,
  encode: () => {
    throw new TypeError('not today');
  },
  decode: () => undefined,
};

/** What is encoded in the turn it is asked for. */
function atOnce(encoded: Buffer | Promise<Buffer>): Buffer {
  if (!Buffer.isBuffer(encoded)) throw new Error('it is not at hand');
  return encoded;
}

describe('Serializer', () => {
  const serializer = new Serializer(msgpackCodec(), [jsonCodec()]);

  it('brings back the value and what was said of it', () => {
    const fields = { createdAt: NOW, freshFor: 1000, usableFor: 2000, cost: 30, tags: ['a'] };
    const read = serializer.decode(atOnce(serializer.encode(value, fields)));
    expect(read).toEqual({ ok: true, value, header: { ...fields, codec: 1, compressor: 0, marker: false } });
  });

  it('keeps nothing of the bytes it read', () => {
    const bytes = atOnce(serializer.encode(value, { createdAt: NOW, tags: ['a'] }));
    const read = serializer.decode(bytes);
    bytes.fill(0);
    expect(read).toMatchObject({ value, header: { createdAt: NOW, tags: ['a'] } });
  });

  it('reads what other codecs wrote, if it has them', () => {
    const stored = atOnce(new Serializer(jsonCodec()).encode([1], { createdAt: NOW }));
    expect(serializer.decode(stored)).toMatchObject({ ok: true, value: [1], header: { codec: 2 } });
    expect(new Serializer(msgpackCodec()).decode(stored)).toEqual({ ok: false, reason: 'other-codec' });
  });

  it('has no value for what it cannot read', () => {
    const compressed = encodeEntry({ codec: 1, compressor: 7, createdAt: NOW }, Buffer.of(1));
    const broken = encodeEntry({ codec: 2, createdAt: NOW }, Buffer.from('{'));
    const ofFailing = encodeEntry({ codec: 9, createdAt: NOW }, Buffer.of(1));
    expect(serializer.decode(Buffer.from('text'))).toEqual({ ok: false, reason: 'not-ours' });
    expect(serializer.decode(compressed)).toEqual({ ok: false, reason: 'other-codec' });
    expect(serializer.decode(broken)).toMatchObject({ ok: false, reason: 'undecodable' });
    expect(new Serializer(failing).decode(ofFailing)).toMatchObject({ ok: false, reason: 'undecodable' });
  });

  it('never takes a marker for a value', () => {
    expect(serializer.decode(encodeMarker({ createdAt: NOW }))).toEqual({ ok: false, reason: 'marker' });
  });

  it('says EncodeError, whatever a codec throws', () => {
    const cause = expect.any(TypeError) as unknown;
    expect(() => new Serializer(failing).encode(1, { createdAt: NOW })).toThrow(
      expect.objectContaining({ code: 'TIERCEL_ENCODE', cause }),
    );
    expect(() => serializer.encode(undefined, { createdAt: NOW })).toThrow(EncodeError);
    expect(() => serializer.encode(1, { createdAt: -1 })).toThrow(EncodeError);
  });

  it.each([0, 16, 1.5, NaN])('refuses a codec with the id %d', (id) => {
    expect(() => new Serializer({ ...failing, id })).toThrow(InvalidOptionError);
  });

  it('refuses two codecs with one id, and takes the same one twice', () => {
    expect(() => new Serializer(jsonCodec(), [{ ...failing, id: 2 }])).toThrow(InvalidOptionError);
    expect(() => new Serializer(jsonCodec(), [jsonCodec()])).not.toThrow();
  });

  it('takes a codec of yours, as docs/guides/codecs.md has it', () => {
    const numbers: Codec = {
      name: 'numbers',
      id: 8,
      encode(given) {
        if (!Array.isArray(given) || !given.every(Number.isFinite))
          throw new EncodeError('no list of numbers');
        return new Uint8Array(Float64Array.from(given as number[]).buffer);
      },
      decode: (bytes) => [...new Float64Array(new Uint8Array(bytes).buffer)],
    };
    const own = new Serializer(numbers, [msgpackCodec()]);
    expect(own.decode(atOnce(own.encode([1, 2.5, -3], { createdAt: NOW })))).toMatchObject({
      value: [1, 2.5, -3],
    });
    expect(() => own.encode(['1'], { createdAt: NOW })).toThrow(EncodeError);
    const broken = encodeEntry({ codec: 8, createdAt: NOW }, Buffer.from('no'));
    expect(own.decode(broken)).toMatchObject({ ok: false, reason: 'undecodable' });
  });
});
