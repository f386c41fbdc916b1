import { Unpackr } from 'msgpackr';
import { PackedReader, Shape, UNUSUAL } from './msgpack-reader.js';
import { assertPacked, broken, skipNames } from './msgpack-scan.js';
import { findTable } from './msgpack-shape-table.js';

/** Bodies up to this many bytes are unpacked from a buffer of ours; a larger one is worth a view of its own. */
const SMALL = 4096;
/** After so many unusual values in a row, those of a kind are given to the unpacker at once. */
const MOST_UNUSUAL = 8;
/** Tables known; then all are forgotten, so that hostile values cannot fill the memory. */
const MOST_KNOWN = 500;

/** How values are unpacked: no references, and Buffers that are copies. */
const UNPACKING = { moreTypes: true, structuredClone: false, copyBuffers: true } as const;

/** A table of shapes that was read before. */
interface Known {
  /** Its bytes, without their length. */
  readonly table: Buffer;
  readonly shapes: readonly Shape[];
  /** How many fields each shape has. */
  readonly fields: readonly number[];
  /** Unpacks values of these shapes, whatever is in them. */
  readonly unpacker: Unpackr;
  /** How many of the values read last had something in them that is left to the unpacker. */
  unusual: number;
}

/**
 * Unpacks values, fast where their shapes are known.
 *
 * To read the names of an object's fields takes longer than to read the values of a small object, and the values of one kind
 * all have the same. So an unpacker is kept for each table of shapes. It is found by the very bytes of the table: nothing has
 * to be agreed on between processes, and nothing can be mistaken for something else.
 */
export class KnownShapes {
  readonly #known = new Map<string, Known>();
  /** Those that stand apart from the values, by the very object. */
  readonly #byHead = new WeakMap<Buffer, Known>();
  readonly #plain = new Unpackr(UNPACKING);
  readonly #reader = new PackedReader();
  readonly #scratch = Buffer.allocUnsafeSlow(SMALL);
  /** The last one used: many values of one kind are often read in a row. */
  #last: Known = this.#learn('', Buffer.alloc(0));

  /** @throws DecodeError; whatever the unpacker throws. */
  unpack(payload: Buffer): unknown {
    const { start, end } = findTable(payload);
    const known = isAt(this.#last.table, payload, start, end) ? this.#last : this.#find(payload, start, end);
    this.#last = known;
    return this.#unpack(known, payload, end);
  }

  /**
   * The same of a value whose table stands apart.
   *
   * @param head - the table behind its length; never another object for the same table.
   * @throws DecodeError; whatever the unpacker throws.
   */
  unpackParts(head: Buffer, body: Buffer): unknown {
    return this.#unpack(this.#byHead.get(head) ?? this.#meet(head), body, 0);
  }

  #meet(head: Buffer): Known {
    const { start, end } = findTable(head);
    if (end !== head.length) throw broken('its table of shapes is cut short');
    const known = this.#find(head, start, end);
    this.#byHead.set(head, known);
    return known;
  }

  #unpack(known: Known, bytes: Buffer, start: number): unknown {
    if (known.unusual <= MOST_UNUSUAL) {
      try {
        const value = this.#reader.read(bytes, start, known.shapes);
        known.unusual = 0;
        return value;
      } catch (error) {
        if (error !== UNUSUAL) throw error;
        known.unusual++;
      }
    }
    assertPacked(bytes, start, known.fields);
    const length = bytes.length - start;
    if (length > SMALL) return known.unpacker.unpack(bytes.subarray(start));
    // The unpacker makes a DataView for every buffer it is given, which costs more than this.
    bytes.copy(this.#scratch, 0, start);
    return known.unpacker.unpack(this.#scratch, length);
  }

  #find(payload: Buffer, start: number, end: number): Known {
    const key = payload.toString('latin1', start, end);
    return this.#known.get(key) ?? this.#learn(key, Buffer.from(payload.subarray(start, end)));
  }

  #learn(key: string, table: Buffer): Known {
    const structures: string[][] = [];
    for (let at = 0; at < table.length;) {
      const { end } = skipNames(table, at);
      if (end > table.length) throw broken('its table of shapes is cut short');
      structures.push(this.#plain.unpack(table.subarray(at, end)) as string[]);
      at = end;
    }
    const fields = structures.map((names) => names.length);
    const shapes = structures.map((names) => new Shape([...names]));
    const unpacker = new Unpackr({ ...UNPACKING, structures });
    const known: Known = { table, shapes, fields, unpacker, unusual: 0 };
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    this.#known.set(key, known);
    return known;
  }
}

function isAt(table: Buffer, payload: Buffer, start: number, end: number): boolean {
  if (table.length !== end - start) return false;
  for (let i = 0; i < table.length; i++) if (table[i] !== payload[start + i]) return false;
  return true;
}
