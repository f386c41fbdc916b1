/** Unsigned LEB128: seven bits a byte, the lowest first, the top bit set on all bytes but the last. Safe integers only. */

const MOST_BYTES = 8; // 53 bits
const NO_BYTES = new Uint8Array(0);

/** Bytes that `value`, a safe integer from 0, takes. */
export function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) length++;
  return length;
}

/** Writes `value` and returns where it ends. */
export function writeVarint(target: Uint8Array, offset: number, value: number): number {
  let at = offset;
  let rest = value;
  while (rest >= 0x80) {
    target[at++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  target[at++] = rest;
  return at;
}

/** Reads numbers one after the other. After a bad one, `failed` is set and every further number is 0. */
export class VarintReader {
  #bytes: Uint8Array = NO_BYTES;
  at = 0;
  failed = false;

  begin(bytes: Uint8Array, at: number): void {
    this.#bytes = bytes;
    this.at = at;
    this.failed = false;
  }

  next(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < MOST_BYTES && this.at < this.#bytes.length; i++) {
      const byte = this.#bytes[this.at++] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (!Number.isSafeInteger(value)) break;
        return value;
      }
      scale *= 0x80;
    }
    this.failed = true;
    this.at = this.#bytes.length;
    return 0;
  }

  /** Passes so many bytes, and returns where they begin. */
  skip(count: number): number {
    const start = this.at;
    if (this.has(count)) this.at += count;
    else this.failed = true;
    return start;
  }

  /** Whether `count` more bytes are there. */
  has(count: number): boolean {
    return count <= this.#bytes.length - this.at;
  }
}
