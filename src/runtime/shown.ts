import { inspect } from 'node:util';

/** Any value that a codec can make, as text for people: dates, maps, cycles. Runs no code of its own. */
export function shown(value: unknown): string {
  return inspect(value, {
    depth: 8,
    maxArrayLength: 200,
    maxStringLength: 20_000,
    breakLength: 80,
    customInspect: false,
    getters: false,
  });
}
