import type { Codec } from './codec.js';

/** A payload in two parts, which belong together in this order. */
export interface Parts {
  /** What the payloads of one kind have in common. The same object for the same bytes, most of the time. */
  readonly head: Buffer;
  /** The rest. It may be a view into a reused buffer. */
  readonly body: Uint8Array;
}

/** A codec whose payloads begin alike, so that what they have in common need not stand in each of them. */
export interface PartedCodec extends Codec {
  /** What `encode` returns, in its parts. */
  encodeParts(value: unknown): Parts;
  /** What `decode` makes of both together. @param head - of a blob: the same object for the same bytes. */
  decodeParts(head: Buffer, body: Buffer): unknown;
}

export function isParted(codec: Codec): codec is PartedCodec {
  return 'encodeParts' in codec && 'decodeParts' in codec;
}
