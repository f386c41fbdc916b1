/**
 * Bytes V8 takes on a 64-bit machine. They differ a little from version to version; what counts is that a
 * bound of 64 MB is not off by a factor.
 */
const STRING_HEADER = 16;
const HEAP_NUMBER = 16;
const OBJECT_HEADER = 24;
const ARRAY_HEADER = 48;
const SLOT = 8;
const MAP_HEADER = 88;
const MAP_ENTRY = 37;
const SET_ENTRY = 28;
const DATE = 280;
const BINARY_HEADER = 200;
const CLOSURE = 64;

const MAX_NODES = 2_000;
/** Of a longer collection as many members stand for all. */
const SAMPLE = 100;
const SAMPLED_CHARACTERS = 2_000;
/** A character beyond Latin-1 makes V8 keep the whole string in two bytes a character. */
const TWO_BYTES = /[\u0100-\uffff]/;

/** The heap a string takes. */
export function sizeOfString(text: string): number {
  const length = text.length;
  const probe = length > SAMPLED_CHARACTERS ? text.slice(0, SAMPLED_CHARACTERS) : text;
  return STRING_HEADER + (((TWO_BYTES.test(probe) ? 2 * length : length) + 7) & ~7);
}

/**
 * About how many bytes of memory a value takes, its members included, beyond the slot that points to it.
 *
 * At most 2,000 values are looked at: of long arrays and large objects an evenly spaced sample stands for the
 * rest. An object that is met twice counts once. Binary data counts with its own length; a view of a much larger
 * buffer keeps all of that alive, so copy what you keep. Getters are not run, and nothing is thrown.
 */
export function sizeOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) {
    return sizeOfPrimitive(value);
  }
  const walk = new Walk();
  walk.add(value, 1);
  return walk.finish();
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

/** Objects that wait to be measured, each with the number of like ones it stands for. */
class Walk {
  #bytes = 0;
  #measured = 0;
  readonly #open: object[] = [];
  readonly #weights: number[] = [];
  readonly #seen = new Set<object>();

  add(value: unknown, weight: number): void {
    if (typeof value !== 'object' || value === null) {
      this.#bytes += weight * sizeOfPrimitive(value);
    } else if (!this.#seen.has(value)) {
      this.#seen.add(value);
      this.#open.push(value);
      this.#weights.push(weight);
    }
  }

  finish(): number {
    for (let nodes = 0; nodes < MAX_NODES; nodes++) {
      const object = this.#open.pop();
      const weight = this.#weights.pop();
      if (object === undefined || weight === undefined) {
        return Math.ceil(this.#bytes);
      }
      this.#measured += weight;
      try {
        this.#measure(object, weight);
      } catch {
        // A hostile or revoked proxy: some size is better than no cache.
        this.#bytes += weight * OBJECT_HEADER;
      }
    }
    // Those that nobody looked at are taken for average.
    const left = this.#weights.reduce((sum, weight) => sum + weight, 0);
    return Math.ceil(this.#bytes * (1 + left / this.#measured));
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
      this.#bytes += weight * (MAP_HEADER + SET_ENTRY * object.size);
      this.#sampleIterable(object.values(), object.size, weight);
    } else {
      const names = Object.keys(object);
      this.#bytes += weight * (OBJECT_HEADER + SLOT * Math.max(names.length, 1));
      this.#sampleProperties(object, names, weight);
    }
  }

  #sample(array: readonly unknown[], weight: number): void {
    const length = array.length;
    const looked = Math.min(length, SAMPLE);
    for (let at = 0; at < looked; at++) {
      this.add(array[Math.floor((at * length) / looked)], (weight * length) / looked);
    }
  }

  #sampleProperties(object: object, names: readonly string[], weight: number): void {
    const looked = Math.min(names.length, SAMPLE);
    for (let at = 0; at < looked; at++) {
      const name = names[Math.floor((at * names.length) / looked)] ?? '';
      const member: unknown = Object.getOwnPropertyDescriptor(object, name)?.value;
      this.add(member, (weight * names.length) / looked);
      if (names.length > SAMPLE) {
        // So many properties make a dictionary, where every object has its own names.
        this.#bytes += weight * (names.length / looked) * (3 * SLOT + sizeOfString(name));
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
      this.add(member, (weight * size) / looked);
    }
  }
}
