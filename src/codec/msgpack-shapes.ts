import { Unpackr } from 'msgpackr';
import type { ShapeDefinition } from './msgpack-scan.js';

/** Values up to this many bytes are unpacked with shapes that are known already. In larger ones a definition costs little. */
const SMALL = 4096;
/** Unpackers kept, each for one set of definitions; then all are forgotten, so that hostile values cannot fill the memory. */
const MOST_KNOWN = 500;
/** Bits of a record's id that say which. */
const RECORD_ID_BITS = 0x3f;

/**
 * Unpacks small values of known shapes fast.
 *
 * Every value carries the definitions of its record shapes, the names of the fields, so that any process can read it by
 * itself. To read a definition takes longer than to read the values of a small object, and the values of one kind all have
 * the same. So the definitions are cut out, and what is left is given to an unpacker that has them: it is found by their very
 * bytes, so nothing has to be agreed on between processes and nothing can be mistaken for something else.
 */
export class KnownShapes {
  readonly #known = new Map<string, Unpackr>();
  readonly #plain: Unpackr;
  readonly #scratch = Buffer.allocUnsafeSlow(SMALL);

  /** @param plain - unpacks what bears its definitions with it. */
  constructor(plain: Unpackr) {
    this.#plain = plain;
  }

  /** @param definitions - as the scanner found them in these very bytes. */
  unpack(bytes: Buffer, definitions: readonly ShapeDefinition[] | undefined): unknown {
    if (!definitions || bytes.length > SMALL) return this.#plain.unpack(bytes);
    const scratch = this.#scratch;
    let key = '';
    let from = 0;
    let at = 0;
    for (const { start, end, id } of definitions) {
      if (start > from) at += bytes.copy(scratch, at, from, start);
      scratch[at++] = id;
      key += bytes.toString('latin1', start, end);
      from = end;
    }
    at += bytes.copy(scratch, at, from);
    const unpacker = this.#known.get(key) ?? this.#learn(key, bytes, definitions);
    return unpacker.unpack(scratch, at);
  }

  #learn(key: string, bytes: Buffer, definitions: readonly ShapeDefinition[]): Unpackr {
    const structures: string[][] = [];
    for (const { start, end, id } of definitions) {
      // Behind two bytes that say what it is, and the id, stands the array of names.
      structures[id & RECORD_ID_BITS] = this.#plain.unpack(bytes.subarray(start + 3, end)) as string[];
    }
    const unpacker = new Unpackr({ ...UNPACKING, structures });
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    this.#known.set(key, unpacker);
    return unpacker;
  }
}

/** How values are unpacked, with shapes that are known or not: no references, and Buffers that are copies. */
export const UNPACKING = { moreTypes: true, structuredClone: false, copyBuffers: true } as const;
