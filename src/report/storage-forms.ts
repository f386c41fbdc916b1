import type { Codec } from '../codec/codec.js';
import { jsonCodec } from '../codec/json.js';
import { msgpackCodec } from '../codec/msgpack.js';

/** One way to make bytes of values, to be compared with others. */
export interface StorageForm {
  readonly codec: string;
  readonly compressor: string;
  /** The payload. Throws, or rejects, for a value it cannot bring back. */
  encode(value: unknown): Uint8Array | Promise<Uint8Array>;
  decode(payload: Uint8Array): unknown;
}

/** What every process can store with; one more is one more line. */
const OWN: ReadonlyArray<() => Codec> = [msgpackCodec, jsonCodec];

/** Our own ways and those of the codecs given, each name once; a codec given stands for our own of its name. */
export function storageForms(codecs: readonly Codec[]): StorageForm[] {
  const byName = new Map<string, Codec>();
  for (const codec of [...OWN.map((make) => make()), ...codecs]) byName.set(codec.name, codec);
  return [...byName.values()].map((codec) => ({
    codec: codec.name,
    compressor: 'none',
    encode: (value) => codec.encode(value),
    decode: (payload) => codec.decode(payload),
  }));
}
