import { isPlainPrototype } from './freeze-deep.js';

/**
 * Bytes V8 takes on a 64-bit machine. They differ a little from version to version; what counts is that a
 * bound of 64 MB is not off by a factor.
 */
const STRING_HEADER = 16;
const HEAP_NUMBER = 16;
const OBJECT_HEADER = 24;
const ARRAY_HEADER = 48;
const SLOT = 8;
const MAP_HEADER = 136;
const MAP_ENTRY = 37;
const SET_HEADER = 112;
const SET_ENTRY = 28;
const DATE = 280;
const BINARY_HEADER = 200;
const CLOSURE = 64;
/** A name of an object with so many that they make a dictionary: its place there, and in the table of all names. */
const DICTIONARY_NAME = 84;

const MAX_NODES = 2_000;
/** Of a longer collection as many members stand for all. */
const SAMPLE = 100;
/** Looking at so few one by one takes less than asking a regular expression. */
const SHORT = 32;
/**
 * A character beyond Latin-1 makes V8 keep the whole string in two bytes a character. Of a string that has none it knows at once
 * that this cannot match, however long it is.
 */
const TWO_BYTES = /[\u0100-\uffff]/;

/** The heap a string takes. */
export function sizeOfString(text: string): number {
  const length = text.length;
  return STRING_HEADER + (((isWide(text, length) ? 2 * length : length) + 7) & ~7);
}

function isWide(text: string, length: number): boolean {
  if (length > SHORT) return TWO_BYTES.test(text);
  let bits = 0;
  for (let i = 0; i < length; i++) bits |= text.charCodeAt(i);
  return bits > 0xff;
}

/**
 * About how many bytes of memory a value takes, its members included, beyond the slot that points to it.
 *
 * At most 2,000 values are looked at: of long arrays and large objects an evenly spaced sample stands for the
 * rest. An object that is met twice counts once. Binary data counts with its own length; a view of a much larger
 * buffer keeps all of that alive, so copy what you keep. Of plain objects getters are run, as whoever freezes or
 * clones them does, and nothing is thrown.
 */
export function sizeOf(value: unknown): number {
  const flat = sizeOfFlat(value);
  return flat ?? new Walk().measureAll(value as object);
}

/**
 * The same for what holds no other object: a primitive, or a plain object of at most a hundred members that are primitives.
 * Undefined for anything else.
 */
export function sizeOfFlat(value: unknown): number | undefined {
  if (typeof value !== 'object' || value === null) return sizeOfPrimitive(value);
  let bytes = OBJECT_HEADER;
  let members = 0;
  try {
    if (Array.isArray(value) || !isPlainPrototype(Object.getPrototypeOf(value))) return undefined;
    for (const name in value) {
      const member: unknown = (value as Readonly<Record<string, unknown>>)[name];
      if ((typeof member === 'object' && member !== null) || ++members > SAMPLE) return undefined;
      bytes += SLOT + sizeOfPrimitive(member);
    }
  } catch {
    return undefined;
  }
  return Math.max(bytes, OBJECT_HEADER + SLOT);
}

function sizeOfPrimitive(value: unknown): number {
  switch (typeof value) {
    case 'string':
      return sizeOfString(value);
    case 'number':
      // Small integers live in the slot itself.
      return (value | 0) === value ? 0 : HEAP_NUMBER;
    case 'bigint':
      return 2 * HEAP_NUMBER;
    case 'function':
    case 'symbol':
      return CLOSURE;
    default:
      return 0;
  }
}

/** So few objects are looked through faster than a Set is made. */
const FEW = 16;

/** Objects that wait to be measured, each with the number of like ones it stands for. */
class Walk {
  #bytes = 0;
  #measured = 0;
  readonly #open: object[] = [];
  readonly #weights: number[] = [];
  readonly #firstSeen: object[] = [];
  #seen: Set<object> | undefined;

  measureAll(root: object): number {
    this.#firstSeen.push(root);
    this.#measureSafely(root, 1);
    for (let nodes = 1; nodes < MAX_NODES; nodes++) {
      const object = this.#open.pop();
      const weight = this.#weights.pop();
      if (object === undefined || weight === undefined) {
        return Math.ceil(this.#bytes);
      }
      this.#measureSafely(object, weight);
    }
    // Those that nobody looked at are taken for average.
    const left = this.#weights.reduce((sum, weight) => sum + weight, 0);
    return Math.ceil(this.#bytes * (1 + left / this.#measured));
  }

  #add(value: unknown, weight: number): void {
    if (typeof value !== 'object' || value === null) {
      this.#bytes += weight * sizeOfPrimitive(value);
    } else if (this.#isNew(value)) {
      this.#open.push(value);
      this.#weights.push(weight);
    }
  }

  #isNew(object: object): boolean {
    if (this.#seen === undefined) {
      if (this.#firstSeen.includes(object)) return false;
      this.#firstSeen.push(object);
      if (this.#firstSeen.length > FEW) this.#seen = new Set(this.#firstSeen);
      return true;
    }
    if (this.#seen.has(object)) return false;
    this.#seen.add(object);
    return true;
  }

  #measureSafely(object: object, weight: number): void {
    this.#measured += weight;
    try {
      this.#measure(object, weight);
    } catch {
      // A hostile or revoked proxy, or a getter that throws: some size is better than no cache.
      this.#bytes += weight * OBJECT_HEADER;
    }
  }

  #measure(object: object, weight: number): void {
    if (Array.isArray(object)) {
      this.#bytes += weight * (ARRAY_HEADER + SLOT * object.length);
      this.#sample(object, weight);
    } else if (ArrayBuffer.isView(object) || object instanceof ArrayBuffer) {
      this.#bytes += weight * (BINARY_HEADER + object.byteLength);
    } else if (object instanceof Date) {
      this.#bytes += weight * DATE;
    } else if (object instanceof Map) {
      this.#bytes += weight * (MAP_HEADER + MAP_ENTRY * object.size);
      this.#sampleIterable(object.keys(), object.size, weight);
      this.#sampleIterable(object.values(), object.size, weight);
    } else if (object instanceof Set) {
      this.#bytes += weight * (SET_HEADER + SET_ENTRY * object.size);
      this.#sampleIterable(object.values(), object.size, weight);
    } else if (isPlainPrototype(Object.getPrototypeOf(object))) {
      this.#measurePlain(object, weight);
    } else {
      this.#measureProperties(object, weight);
    }
  }

  #measurePlain(object: object, weight: number): void {
    const members: unknown[] = Object.values(object);
    if (members.length > SAMPLE) {
      this.#measureProperties(object, weight);
    } else {
      this.#bytes += weight * (OBJECT_HEADER + SLOT * Math.max(members.length, 1));
      for (const member of members) this.#add(member, weight);
    }
  }

  #measureProperties(object: object, weight: number): void {
    const names = Object.keys(object);
    this.#bytes += weight * (OBJECT_HEADER + SLOT * Math.max(names.length, 1));
    this.#sampleProperties(object, names, weight);
  }

  #sample(array: readonly unknown[], weight: number): void {
    const length = array.length;
    const looked = Math.min(length, SAMPLE);
    for (let at = 0; at < looked; at++) {
      this.#add(array[Math.floor((at * length) / looked)], (weight * length) / looked);
    }
  }

  #sampleProperties(object: object, names: readonly string[], weight: number): void {
    const looked = Math.min(names.length, SAMPLE);
    for (let at = 0; at < looked; at++) {
      const name = names[Math.floor((at * names.length) / looked)] ?? '';
      const member: unknown = Object.getOwnPropertyDescriptor(object, name)?.value;
      this.#add(member, (weight * names.length) / looked);
      if (names.length > SAMPLE) {
        // So many properties make a dictionary, where every object has its own names.
        this.#bytes += weight * (names.length / looked) * (DICTIONARY_NAME - SLOT + sizeOfString(name));
      }
    }
  }

  #sampleIterable(members: IterableIterator<unknown>, size: number, weight: number): void {
    const looked = Math.min(size, SAMPLE);
    let left = looked;
    for (const member of members) {
      if (left-- === 0) {
        break;
      }
      this.#add(member, (weight * size) / looked);
    }
  }
}
