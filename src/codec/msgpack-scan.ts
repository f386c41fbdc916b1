import { DecodeError } from '../errors.js';

/**
 * Walks the tokens of a packed value before anything is made of them. The unpacker is fast because it trusts its input: it
 * also follows offsets into the bytes (bundled strings), references, and whatever extensions other code of the process has
 * registered, and a few crafted kilobytes keep it busy for minutes. What passes here has only the tokens that our packer
 * writes, every length within the bytes, and nothing left over, so that unpacking takes time linear in the bytes.
 *
 * No recursion and no allocation but for the record shapes: one token at a time, counting the values still owed.
 */

/** Bits of a record's token, and of the id in a definition, that say of which shape it is. */
const SHAPE_BITS = 0x3f;
const RECORD = 0x40;

/**
 * @param start - where the value begins; it ends with the bytes.
 * @param known - how many fields the records have whose shapes are known already, by their number. No definition in the value
 * may have one of these numbers.
 * @param renumber - told of every record of a known shape, gives the number that is written in the place of its own.
 * @throws DecodeError
 */
export function assertPacked(
  bytes: Buffer,
  start: number,
  known: readonly number[],
  renumber?: (shape: number) => number,
): void {
  const end = bytes.length;
  let defined: number[] | undefined; // fields by number, of the shapes defined in the value itself
  let owed = 1;
  let at = start;

  while (owed > 0) {
    if (at >= end || owed > end - at) throw broken('it is cut short');
    owed--;
    const token = bytes[at++] ?? 0;
    if (token < 0x40 || token >= 0xe0) continue;
    if (token < 0x80) {
      const shape = token & SHAPE_BITS;
      const fields = known[shape] ?? defined?.[shape];
      if (fields === undefined) throw broken('a record of unknown shape');
      if (renumber && shape < known.length) bytes[at - 1] = RECORD | renumber(shape);
      owed += fields;
    } else if (token < 0x90) {
      owed += 2 * (token & 0x0f);
    } else if (token < 0xa0) {
      owed += token & 0x0f;
    } else if (token < 0xc0) {
      at += token & 0x1f;
    } else {
      switch (token) {
        case 0xc0: // null
        case 0xc2: // false
        case 0xc3: // true
          break;
        case 0xc4: // bytes
        case 0xd9: // string
          at += 1 + uint8(bytes, at);
          break;
        case 0xc5:
        case 0xda:
          at += 2 + uint16(bytes, at);
          break;
        case 0xc6:
        case 0xdb:
          at += 4 + uint32(bytes, at);
          break;
        case 0xc7: // extensions with a length
          at = extension(bytes, at + 1, uint8(bytes, at));
          break;
        case 0xc8:
          at = extension(bytes, at + 2, uint16(bytes, at));
          break;
        case 0xc9:
          at = extension(bytes, at + 4, uint32(bytes, at));
          break;
        case 0xcc: // numbers, of 1 to 8 bytes
        case 0xd0:
          at += 1;
          break;
        case 0xcd:
        case 0xd1:
          at += 2;
          break;
        case 0xca:
        case 0xce:
        case 0xd2:
          at += 4;
          break;
        case 0xcb:
        case 0xcf:
        case 0xd3:
          at += 8;
          break;
        case 0xd4: {
          const type = uint8(bytes, at);
          if (type === 0x72) {
            const id = uint8(bytes, at + 1);
            if (id >> 6 !== 1) throw broken('a record of unknown shape');
            // The unpacker would give the known shape up for this one, for all values to come.
            if ((id & SHAPE_BITS) < known.length) throw broken('a shape that is defined twice');
            const names = skipNames(bytes, at + 2);
            (defined ??= [])[id & SHAPE_BITS] = names.count;
            owed += names.count;
            at = names.end;
          } else if (type === 0x73 || type === 0x65 || type === 0x78) {
            // Set, Error, RegExp: what follows is an array of their parts
            at += 2;
            if (!isArray(uint8(bytes, at))) throw broken('a Set, Error or RegExp without its parts');
            owed += 1;
          } else if (type === 0x00) {
            at += 2; // undefined
          } else {
            at = extension(bytes, at, 1);
          }
          break;
        }
        case 0xd5: // extensions of 2, 4, 8, 16 bytes
          at = extension(bytes, at, 2);
          break;
        case 0xd6:
          at = extension(bytes, at, 4);
          break;
        case 0xd7:
          at = extension(bytes, at, 8);
          break;
        case 0xd8:
          at = extension(bytes, at, 16);
          break;
        case 0xdc: // arrays and Maps
          owed += uint16(bytes, at);
          at += 2;
          break;
        case 0xdd:
          owed += uint32(bytes, at);
          at += 4;
          break;
        case 0xde:
          owed += 2 * uint16(bytes, at);
          at += 2;
          break;
        case 0xdf:
          owed += 2 * uint32(bytes, at);
          at += 4;
          break;
        default:
          throw broken(`a token ${token}`);
      }
    }
  }
  if (at !== end) throw broken(at > end ? 'it is cut short' : `${end - at} bytes are left over`);
}

/** Passes an array of strings: the names of a record's fields. */
export function skipNames(bytes: Buffer, start: number): { readonly count: number; readonly end: number } {
  let at = start;
  let count: number;
  const head = uint8(bytes, at++);
  if (head >= 0x90 && head < 0xa0) {
    count = head & 0x0f;
  } else if (head === 0xdc) {
    count = uint16(bytes, at);
    at += 2;
  } else if (head === 0xdd) {
    count = uint32(bytes, at);
    at += 4;
  } else {
    throw broken('a record without keys');
  }
  for (let i = 0; i < count; i++) {
    const key = uint8(bytes, at++);
    if (key >= 0xa0 && key < 0xc0) at += key & 0x1f;
    else if (key === 0xd9) at += 1 + uint8(bytes, at);
    else if (key === 0xda) at += 2 + uint16(bytes, at);
    else if (key === 0xdb) at += 4 + uint32(bytes, at);
    else throw broken('a record with a key that is no string');
  }
  return { count, end: at };
}

/** Passes an extension whose content is its own: a date, a big integer, a typed array. */
function extension(bytes: Buffer, typeAt: number, length: number): number {
  const type = uint8(bytes, typeAt);
  if (type !== 0xff && type !== 0x42 && type !== 0x74) throw broken(`an extension of type ${type}`);
  return typeAt + 1 + length;
}

function isArray(token: number): boolean {
  return (token >= 0x90 && token < 0xa0) || token === 0xdc || token === 0xdd;
}

// Past the end these read as 0 where the loop notices soon after, and never outside the buffer.
function uint8(bytes: Buffer, at: number): number {
  return bytes[at] ?? 0;
}

function uint16(bytes: Buffer, at: number): number {
  return (uint8(bytes, at) << 8) | uint8(bytes, at + 1);
}

function uint32(bytes: Buffer, at: number): number {
  return uint16(bytes, at) * 0x10000 + uint16(bytes, at + 2);
}

export function broken(what: string): DecodeError {
  return new DecodeError(`not a value in msgpack: ${what}`);
}
