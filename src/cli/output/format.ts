/** Figures as people read them. JSON output has them as they are, in bytes, milliseconds and shares from 0 to 1. */

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
const SPANS: ReadonlyArray<readonly [ms: number, unit: string]> = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1000, 's'],
];

export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  for (; Math.abs(value) >= 1024 && unit < BYTE_UNITS.length - 1; unit++) value /= 1024;
  return `${unit === 0 ? value : threeDigits(value)} ${BYTE_UNITS[unit]}`;
}

export function countText(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

/** As in `1 key` and `2 keys`. @param one - what is counted; many of it take an s. */
export function countOf(count: number, one: string): string {
  return `${countText(count)} ${one}${count === 1 ? '' : 's'}`;
}

/** @param share - from 0 to 1; undefined where there was nothing to have a share of. */
export function shareText(share: number | undefined): string {
  return share === undefined ? '–' : `${(100 * share).toFixed(1)} %`;
}

/** @param ms - milliseconds; undefined for a life without end. */
export function spanText(ms: number | undefined): string {
  if (ms === undefined || ms === Infinity) return 'for ever';
  for (const [length, unit] of SPANS) if (ms >= length) return `${threeDigits(ms / length)} ${unit}`;
  return `${threeDigits(ms)} ms`;
}

/**
 * Text from Redis as it may be shown on a terminal: control characters, with which a key could move the cursor or set the title of
 * the window, are escaped.
 */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, (character) => {
    const code = character.charCodeAt(0).toString(16);
    return code.length > 2 ? `\\u${code}` : `\\x${code.padStart(2, '0')}`;
  });
}

function threeDigits(value: number): string {
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? String(Number(value.toFixed(1))) : String(Number(value.toFixed(2)));
}
