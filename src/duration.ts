/** Durations as people write them in options, and as milliseconds inside. */

import { InvalidOptionError } from './errors.js';
import { describeValue } from './validate.js';

/**
 * Milliseconds as a number, or a number with its unit: `500`, `'250ms'`, `'30s'`, `'15m'`, `'1.5h'`, `'7d'`.
 */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

/** What an option allows; both limits are inclusive and in milliseconds. */
export interface DurationLimits {
  /** Default 1, so zero is refused unless an option gives it a meaning. */
  readonly min?: number;
  /** Default {@link MAX_DURATION}. */
  readonly max?: number;
  /** Whether `Infinity` may be given; it then passes whatever `max` is. Default false. */
  readonly allowInfinity?: boolean;
}

/** A thousand years. Added to the time of day it is still an exact integer, and Redis accepts it as expiry. */
export const MAX_DURATION = 31_557_600_000_000;

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const PATTERN = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;

/**
 * Options are parsed on every call, and an application writes few different durations. The bound is for
 * those who compute the text: the map is then emptied and starts again.
 */
const MAX_REMEMBERED = 256;
const MAX_REMEMBERED_LENGTH = 24;
const remembered = new Map<string, number>();

/**
 * The duration in whole milliseconds (fractions are rounded to the nearest).
 *
 * @param name The option, for the message.
 * @throws InvalidOptionError when it is not a duration, is negative or NaN, or is outside the limits.
 */
export function parseDuration(value: unknown, name: string, limits?: DurationLimits): number {
  const milliseconds = typeof value === 'string' ? parseText(value) : value;
  if (typeof milliseconds !== 'number' || Number.isNaN(milliseconds)) {
    throw new InvalidOptionError(
      `${name}: expected a duration such as 500 or '15m', got ${describeValue(value, name)}`,
    );
  }
  if (value === Infinity && limits?.allowInfinity === true) {
    return Infinity;
  }
  const min = limits?.min ?? 1;
  const max = limits?.max ?? MAX_DURATION;
  // Compared with the limits after rounding, so that no caller ever sees a value outside them.
  const rounded = Math.round(milliseconds);
  if (milliseconds < 0 || rounded < min || rounded > max) {
    const limit = rounded > max ? `at most ${max} ms` : `at least ${min} ms`;
    throw new InvalidOptionError(
      `${name}: expected a duration of ${limit}, got ${describeValue(value, name)}`,
    );
  }
  // Math.round(-0) is -0, which would print and compare oddly further on.
  return rounded === 0 ? 0 : rounded;
}

function parseText(text: string): number | undefined {
  const known = remembered.get(text);
  if (known !== undefined) {
    return known;
  }
  const match = PATTERN.exec(text);
  const unit = UNITS[match?.[2] ?? ''];
  if (unit === undefined) {
    return undefined;
  }
  const milliseconds = Number(match?.[1]) * unit;
  if (text.length <= MAX_REMEMBERED_LENGTH) {
    if (remembered.size >= MAX_REMEMBERED) {
      remembered.clear();
    }
    remembered.set(text, milliseconds);
  }
  return milliseconds;
}
