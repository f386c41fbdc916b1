import type { Terminal } from '../terminal.js';

/** A result for programs, or for people. */
export function print(terminal: Terminal, json: boolean, data: object, text: () => string): void {
  terminal.stdout.write(`${json ? JSON.stringify(data, jsonSafe, 2) : text()}\n`);
}

/** JSON has no BigInt, which ids may be, and no infinity, which lives may be. */
function jsonSafe(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number' && !Number.isFinite(value)) return null;
  return value;
}
