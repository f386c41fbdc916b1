import { broken } from './msgpack-scan.js';

/** Thrown where a value has something that this reader leaves to the general unpacker. */
export const UNUSUAL: unique symbol = Symbol('unusual');

/** Longer text is turned into a string by itself: the platform is faster then. */
const SHORT_TEXT = 64;
/** So much of the bytes is turned into text at once. Short strings are parts of it, and keep no more than this alive. */
const WINDOW = 2048;
/** Reading a shape by its names is slow; making a function that knows them takes as long as some tens of such readings. */
const USES_BEFORE_MAKING = 30;

const NO_BYTES = Buffer.alloc(0);

const double = new Float64Array(1);
const doubleBytes = new Uint8Array(double.buffer);
const IS_LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** The names of the fields of records of one kind, and how to read them. */
export class Shape {
  readonly names: readonly string[];
  readonly #isPlain: boolean;
  #uses = 0;
  #made: ((reader: PackedReader) => unknown) | undefined;

  constructor(names: readonly string[]) {
    this.names = names;
    // As a name in a literal, or assigned, it would set the prototype.
    this.#isPlain = !names.includes('__proto__');
  }

  read(reader: PackedReader): unknown {
    if (this.#made) return this.#made(reader);
    if (!this.#isPlain) throw UNUSUAL;
    if (++this.#uses === USES_BEFORE_MAKING) this.#made = literalReader(this.names);
    const record: Record<string, unknown> = {};
    for (const name of this.names) record[name] = reader.value();
    return record;
  }
}

/** An object literal gives all objects of a kind one hidden class, in a tenth of the time that assigning names takes. */
function literalReader(names: readonly string[]): ((reader: PackedReader) => unknown) | undefined {
  const fields = names.map((name) => `${JSON.stringify(name)}:r.value()`);
  try {
    // The names are data that anyone may have written; as JSON they are string literals, whatever is in them.
    // oxlint-disable-next-line eslint/no-new-func, typescript/no-implied-eval
    return new Function('r', `return{${fields.join(',')}}`) as (reader: PackedReader) => unknown;
  } catch {
    return undefined; // a process that was told to run no code made of text
  }
}

/**
 * Reads packed values in one pass that trusts nothing: every length is held against the bytes there are, and no token is
 * taken that our packer does not write. What is rare (typed arrays, big integers, sets, …) it leaves to others.
 */
export class PackedReader {
  #bytes: Buffer = NO_BYTES;
  #at = 0;
  #end = 0;
  #shapes: readonly Shape[] = [];
  #text = '';
  #textStart = 0;
  #textEnd = 0;

  /**
   * @param start - where the value begins; it ends with the bytes.
   * @param shapes - of its records, by their numbers.
   * @throws UNUSUAL; DecodeError.
   */
  read(bytes: Buffer, start: number, shapes: readonly Shape[]): unknown {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = bytes.length;
    this.#shapes = shapes;
    try {
      const value = this.value();
      if (this.#at !== this.#end) throw broken(`${this.#end - this.#at} bytes are left over`);
      return value;
    } finally {
      // The bytes are part of a larger buffer, which must not live for longer.
      this.#bytes = NO_BYTES;
      this.#text = '';
      this.#textEnd = 0;
    }
  }

  /** The next value. For the shapes. */
  value(): unknown {
    if (this.#at >= this.#end) throw cutShort();
    const token = this.#bytes[this.#at++] as number;
    if (token < 0x40) return token;
    if (token < 0x80) {
      const shape = this.#shapes[token & 0x3f];
      if (shape === undefined) throw UNUSUAL;
      return shape.read(this);
    }
    if (token >= 0xe0) return token - 0x100;
    if (token >= 0xa0 && token < 0xc0) return this.#string(token & 0x1f);
    if (token < 0x90) return this.#map(token & 0x0f);
    if (token < 0xa0) return this.#array(token & 0x0f);
    switch (token) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xcb:
        return this.#float64();
      case 0xcc:
        return this.#uint(1);
      case 0xcd:
        return this.#uint(2);
      case 0xce:
        return this.#uint(4);
      case 0xd0:
        return (this.#uint(1) << 24) >> 24;
      case 0xd1:
        return (this.#uint(2) << 16) >> 16;
      case 0xd2:
        return this.#uint(4) | 0;
      case 0xd9:
        return this.#string(this.#uint(1));
      case 0xda:
        return this.#string(this.#uint(2));
      case 0xdb:
        return this.#string(this.#uint(4));
      case 0xdc:
        return this.#array(this.#uint(2));
      case 0xdd:
        return this.#array(this.#uint(4));
      case 0xde:
        return this.#map(this.#uint(2));
      case 0xdf:
        return this.#map(this.#uint(4));
      case 0xd4:
        if (this.#uint(2) === 0) return undefined;
        throw UNUSUAL;
      case 0xd6:
        if (this.#uint(1) !== 0xff) throw UNUSUAL;
        return new Date(this.#uint(4) * 1000);
      case 0xd7:
        if (this.#uint(1) !== 0xff) throw UNUSUAL;
        return this.#date();
      default:
        throw UNUSUAL;
    }
  }

  #array(count: number): unknown[] {
    // Each takes a byte at least: a number that was made up must not make an array of that size.
    if (count > this.#end - this.#at) throw cutShort();
    // Filled from a list that grows, it would take three times the memory.
    // oxlint-disable-next-line unicorn/no-new-array
    const array = new Array<unknown>(count);
    for (let i = 0; i < count; i++) array[i] = this.value();
    return array;
  }

  #map(count: number): Map<unknown, unknown> {
    if (2 * count > this.#end - this.#at) throw cutShort();
    const map = new Map<unknown, unknown>();
    for (let i = 0; i < count; i++) {
      const key = this.value();
      map.set(key, this.value());
    }
    return map;
  }

  #string(length: number): string {
    const start = this.#take(length);
    const stop = start + length;
    if (length > SHORT_TEXT) return this.#bytes.toString('utf8', start, stop);
    for (let i = start; i < stop; i++) {
      if ((this.#bytes[i] as number) >= 0x80) return this.#bytes.toString('utf8', start, stop);
    }
    if (stop > this.#textEnd) {
      this.#textStart = start;
      this.#textEnd = Math.min(this.#end, start + WINDOW);
      this.#text = this.#bytes.toString('latin1', start, this.#textEnd);
    }
    return this.#text.slice(start - this.#textStart, stop - this.#textStart);
  }

  #uint(size: 1 | 2 | 4): number {
    const at = this.#take(size);
    const bytes = this.#bytes;
    let value = bytes[at] as number;
    if (size === 1) return value;
    value = (value << 8) | (bytes[at + 1] as number);
    if (size === 2) return value;
    return value * 0x10000 + (((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number));
  }

  #float64(): number {
    const at = this.#take(8);
    for (let i = 0; i < 8; i++) doubleBytes[IS_LITTLE_ENDIAN ? 7 - i : i] = this.#bytes[at + i] as number;
    return double[0] as number;
  }

  /** 30 bits of nanoseconds, then 34 bits of seconds. */
  #date(): Date {
    const high = this.#uint(4);
    const low = this.#uint(4);
    return new Date((high >>> 2) / 1e6 + ((high & 3) * 2 ** 32 + low) * 1000);
  }

  /** Passes so many bytes. Returns where they begin. */
  #take(length: number): number {
    const start = this.#at;
    if (length > this.#end - start) throw cutShort();
    this.#at = start + length;
    return start;
  }
}

function cutShort(): Error {
  return broken('it is cut short');
}
