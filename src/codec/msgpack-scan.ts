import { DecodeError } from '../errors.js';

/**
 * Walks the tokens of a packed value before anything is made of them. The unpacker is fast because it trusts its input: it
 * also follows offsets into the bytes (bundled strings), references, and whatever extensions other code of the process has
 * registered, and a few crafted kilobytes keep it busy for minutes. What passes here has only the tokens that our packer
 * writes, every length within the bytes, and nothing left over, so that unpacking takes time linear in the bytes.
 *
 * No recursion and no allocation but for the record shapes: one token at a time, counting the values still owed.
 */

const RECORD_ID_BITS = 0x3f;

/** Where the definition of a record's shape stands, and the id that records of that shape bear. */
export interface ShapeDefinition {
  readonly start: number;
  readonly end: number;
  readonly id: number;
}

/**
 * @returns the definitions of record shapes, in their order; undefined where there are none, or where an id is given anew and
 * so what it means depends on the place.
 * @throws DecodeError
 */
export function assertPacked(bytes: Buffer): readonly ShapeDefinition[] | undefined {
  const end = bytes.length;
  let definitions: ShapeDefinition[] | undefined;
  let isUnique = true;
  const fieldsOf: number[] = []; // by record id, for the records defined so far
  let owed = 1;
  let at = 0;

  while (owed > 0) {
    if (at >= end || owed > end - at) throw broken('it is cut short');
    owed--;
    const token = bytes[at++] ?? 0;
    if (token < 0x40 || token >= 0xe0) continue;
    if (token < 0x80) {
      const fields = fieldsOf[token & RECORD_ID_BITS];
      if (fields === undefined) throw broken('a record of unknown shape');
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
            const shape = recordShape(bytes, at + 1);
            const id = uint8(bytes, at + 1);
            if (fieldsOf[id & RECORD_ID_BITS] !== undefined) isUnique = false;
            fieldsOf[id & RECORD_ID_BITS] = shape.fields;
            (definitions ??= []).push({ start: at - 1, end: shape.end, id });
            owed += shape.fields;
            at = shape.end;
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
  return isUnique ? definitions : undefined;
}

/** The keys that follow a record's id: an array of strings. */
function recordShape(bytes: Buffer, idAt: number): { fields: number; end: number } {
  if (uint8(bytes, idAt) >> 6 !== 1) throw broken('a record of unknown shape');
  let at = idAt + 1;
  let fields: number;
  const head = uint8(bytes, at++);
  if (head >= 0x90 && head < 0xa0) {
    fields = head & 0x0f;
  } else if (head === 0xdc) {
    fields = uint16(bytes, at);
    at += 2;
  } else if (head === 0xdd) {
    fields = uint32(bytes, at);
    at += 4;
  } else {
    throw broken('a record without keys');
  }
  for (let i = 0; i < fields; i++) {
    const key = uint8(bytes, at++);
    if (key >= 0xa0 && key < 0xc0) at += key & 0x1f;
    else if (key === 0xd9) at += 1 + uint8(bytes, at);
    else if (key === 0xda) at += 2 + uint16(bytes, at);
    else if (key === 0xdb) at += 4 + uint32(bytes, at);
    else throw broken('a record with a key that is no string');
  }
  return { fields, end: at };
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

function broken(what: string): DecodeError {
  return new DecodeError(`not a value in msgpack: ${what}`);
}
