/** Numbers for people, with their units. */

const NOTHING = '–';

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat('en-US', { notation: 'compact', maximumSignificantDigits: 3 });

export function count(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return NOTHING;
  return Math.abs(value) < 100_000 ? whole.format(value) : short.format(value);
}

/** Of one a second and more the fraction says nothing. */
export function rate(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return NOTHING;
  if (value === 0 || value >= 10) return count(Math.round(value));
  return value >= 0.01 ? String(Number(value.toFixed(value < 1 ? 2 : 1))) : '<0.01';
}

export function percent(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return NOTHING;
  const hundredths = value * 100;
  // What is not all must not look like all.
  const decimals = hundredths === 100 || hundredths === 0 ? 0 : hundredths > 99 || hundredths < 1 ? 2 : 1;
  const text = hundredths.toFixed(decimals);
  return text === '100.00' ? '>99.99 %' : `${text} %`;
}

export function wholePercent(value: number): string {
  return `${Math.round(value * 100)} %`;
}

/** @param ms - milliseconds. */
export function time(ms: number | null | undefined): string {
  if (ms === null) return 'for ever';
  if (ms === undefined || Number.isNaN(ms)) return NOTHING;
  if (ms === 0) return '0 ms';
  if (ms < 0.001) return `${digits(ms * 1e6)} ns`;
  if (ms < 1) return `${digits(ms * 1000)} µs`;
  if (ms < 1000) return `${digits(ms)} ms`;
  if (ms < 60_000) return `${digits(ms / 1000)} s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ${Math.floor((ms % 60_000) / 1000)} s`;
  if (ms < 86_400_000) return `${Math.floor(ms / 3_600_000)} h ${Math.floor((ms % 3_600_000) / 60_000)} min`;
  return `${Math.floor(ms / 86_400_000)} d ${Math.floor((ms % 86_400_000) / 3_600_000)} h`;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

export function bytes(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return NOTHING;
  let size = value;
  let unit = 0;
  for (; size >= 1024 && unit < UNITS.length - 1; unit++) size /= 1024;
  return `${unit === 0 ? whole.format(size) : digits(size)} ${UNITS[unit] ?? ''}`;
}

/** Three that matter. */
function digits(value: number): string {
  return value >= 100 ? whole.format(value) : String(Number(value.toPrecision(value >= 10 ? 3 : 2)));
}

export function clock(at: number): string {
  return new Date(at).toLocaleTimeString('en-GB');
}
