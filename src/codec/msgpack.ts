import { Packr } from 'msgpackr';
import { DecodeError, EncodeError } from '../errors.js';
import type { Codec } from './codec.js';
import type { PartedCodec, Parts } from './parted-codec.js';
import { isKind, MOST_SHAPES, ShapeTables } from './msgpack-shape-table.js';
import { KnownShapes } from './msgpack-shapes.js';
import { describe, explain, findUnencodable, type Rules } from './unencodable.js';

/** What is known of the value being packed. */
interface Packing {
  readonly root: unknown;
  /** Met an instance of something else than a plain object, an array, or one of the commonest built-ins. */
  metUnusual: boolean;
  /** The packer's position from which the value is looked through for a cycle. */
  suspiciousFrom: number;
}

/** The packer's list of the shapes it knows, by their numbers. */
type Shapes = string[][] & { sharedLength?: number };

const RULES: Rules = {
  codec: 'msgpack',
  takes: new Set(['Date', 'RegExp', 'Map', 'Set', 'Error', 'ArrayBuffer', 'DataView', 'typed array']),
  takesEveryPrimitive: true,
  takesProtoKey: false,
};

/** A cycle of small objects ends in a stack overflow at once; one of large values would fill the memory first. */
const SUSPICIOUS_BYTES = 4 * 1024 * 1024;
/** The packer keeps the largest buffer it ever needed. Past this, it is given a small one again. */
const LARGE_BYTES = 1024 * 1024;
const POOL_BYTES = 32 * 1024;

/**
 * MessagePack: the default codec. `null`, `NaN`, infinities, Date (also an invalid one), Map, Set, BigInt of any size, RegExp,
 * typed arrays, ArrayBuffer, DataView, Buffer, and `undefined` within objects and arrays come back as they went in.
 *
 * - An Error comes back with its name, message and cause. The stack and other fields do not.
 * - An instance of a class of yours comes back as a plain object of its own enumerable fields, or as what its `toJSON`
 *   returns. Symbol keys and fields of arrays are left out; a hole in an array comes back as `undefined`.
 * - `-0` comes back as `0`, and half a surrogate pair as U+FFFD, since UTF-8 has no such thing.
 * - The same object met twice comes back as two.
 * - Where msgpackr runs without its native addon, U+FEFF at the head of a string of more than 64 bytes is lost.
 *
 * `encode` throws `EncodeError`, with the path, for functions, symbols, cycles, a key `__proto__`, AggregateError, a Map or
 * typed array of a class of your own, and the platform's objects whose content cannot be read (Promise, WeakMap, URL, …).
 */
export function msgpackCodec(): Codec {
  return partedMsgpack();
}

function partedMsgpack(): PartedCodec {
  let packing: Packing = { root: undefined, metUnusual: false, suspiciousFrom: Infinity };

  // Plain objects are written as records, and so a MessagePack map can only be a Map: with maps for both, Maps come back
  // as objects. References (`structuredClone`) cost every object a Map entry, and are off in both directions.
  let shapes: Shapes = [];
  let tables = new ShapeTables(shapes);
  let depth = 0; // a getter or toJSON of the value may encode another
  const packer = new Packr({
    moreTypes: true,
    structuredClone: false,
    structures: shapes,
    shouldShareStructure: isKind,
    useRecords: (object: object) => {
      if (Object.hasOwn(object, '__proto__'))
        throw new Error('a key __proto__ would come back under another name');
      if (packer.position > packing.suspiciousFrom) {
        if (findUnencodable(packing.root, RULES)) throw new Error('no use to go on');
        packing.suspiciousFrom = packer.position * 4;
      }
      return true;
    },
    writeFunction: () => {
      throw new Error('a function cannot be stored');
    },
  });
  // The packer asks for this option exactly when it holds an instance of a class it does not treat first, and so tells at
  // no cost that the value is not made of plain data only. It would write a Promise as {}, and a URL as text.
  Object.defineProperty(packer, 'useToJSON', {
    get: () => {
      packing.metUnusual = true;
      return true;
    },
  });
  const known = new KnownShapes();

  /** The packer has no number left for a shape it has not met: it begins anew. */
  const forgetShapes = (): void => {
    shapes = [];
    Object.assign(packer, { structures: shapes });
    tables = new ShapeTables(shapes);
  };

  const encodeParts = (value: unknown): Parts => {
    const outer = packing;
    packing = {
      root: value,
      metUnusual: value === undefined,
      suspiciousFrom: packer.position + SUSPICIOUS_BYTES,
    };
    if (depth === 0 && (shapes.sharedLength ?? 0) >= MOST_SHAPES) forgetShapes();
    depth++;
    try {
      const packed = packer.pack(value);
      if (packing.metUnusual) {
        const found = findUnencodable(value, RULES);
        if (found) throw new EncodeError(describe(found, RULES));
      }
      if (packed.length > LARGE_BYTES) releaseLater(packer);
      return tables.complete(packed, shapes.sharedLength ?? 0);
    } catch (error) {
      throw error instanceof EncodeError ? error : explain(error, value, RULES);
    } finally {
      packing = outer;
      depth--;
    }
  };

  const read = (head: Buffer | undefined, bytes: Buffer): unknown => {
    let value: unknown;
    try {
      value = head ? known.unpackParts(head, bytes) : known.unpack(bytes);
    } catch (error) {
      if (error instanceof DecodeError) throw error;
      throw new DecodeError(`not a value in msgpack: ${messageOf(error)}`, { cause: error });
    }
    if (value === undefined) throw new DecodeError('not a value in msgpack: it is undefined');
    return value;
  };

  return {
    name: 'msgpack',
    id: 1,
    encodeParts,
    decodeParts: read,

    encode(value) {
      const { head, body } = encodeParts(value);
      const payload = Buffer.allocUnsafe(head.length + body.length);
      payload.set(head);
      payload.set(body, head.length);
      return payload;
    },

    decode(bytes) {
      return read(
        undefined,
        Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
      );
    },
  };
}

/** The packer's buffer may be in use further up this stack, so it is exchanged when the stack is empty. */
function releaseLater(packer: Packr): void {
  queueMicrotask(() => packer.useBuffer(Buffer.allocUnsafeSlow(POOL_BYTES)));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
