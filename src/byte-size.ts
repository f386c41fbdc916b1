/** Amounts of memory as people write them in options, and as bytes inside. */

import { InvalidOptionError } from './errors.js';
import { describeValue } from './validate.js';

/** Bytes as a number, or a number with its unit, in powers of 1024: `1048576`, `'100b'`, `'512kb'`, `'64mb'`, `'1gb'`. */
export type ByteSize = number | `${number}${'b' | 'kb' | 'mb' | 'gb' | 'B' | 'KB' | 'MB' | 'GB'}`;

const UNITS: Readonly<Record<string, number>> = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 };
const PATTERN = /^(\d+(?:\.\d+)?)(b|kb|mb|gb)$/i;

/**
 * The size in whole bytes (fractions are rounded down); upper and lower case are the same.
 *
 * @param name The option, for the message.
 * @throws InvalidOptionError when it is not a size, is below one byte, or is too large to be counted exactly.
 */
export function parseByteSize(value: unknown, name: string): number {
  const bytes = Math.floor(
    typeof value === 'string' ? parseText(value) : typeof value === 'number' ? value : NaN,
  );
  if (Number.isSafeInteger(bytes) && bytes >= 1) {
    return bytes;
  }
  throw new InvalidOptionError(
    `${name}: expected a size in bytes such as 1048576 or '64mb', got ${describeValue(value, name)}`,
  );
}

function parseText(text: string): number {
  const match = PATTERN.exec(text);
  const unit = UNITS[match?.[2]?.toLowerCase() ?? ''];
  return unit === undefined ? NaN : Number(match?.[1]) * unit;
}
