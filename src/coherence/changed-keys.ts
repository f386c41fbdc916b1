import type { Command, CommandArgument } from '../redis/port.js';

/** What a command does to the keys of strings, which is what entries and tag records are. */
export interface Change {
  /** Redis keys that it may change; others may have keys that are no text. */
  readonly keys: readonly CommandArgument[];
  /** What of its words remains when the name and the keys are taken out. */
  readonly rest: readonly CommandArgument[];
}

/** Of these the first word behind the name is the key. */
const ONE_KEY = new Set([
  'SET',
  'SETEX',
  'PSETEX',
  'GETSET',
  'GETDEL',
  'GETEX',
  'APPEND',
  'SETRANGE',
  'RESTORE',
]);
const LIFE = new Set(['EXPIRE', 'PEXPIRE', 'EXPIREAT', 'PEXPIREAT', 'PERSIST']);
const NUMBER = new Set(['INCR', 'INCRBY', 'INCRBYFLOAT', 'DECR', 'DECRBY']);
/** Of these all are. */
const ALL_KEYS = new Set(['DEL', 'UNLINK']);

/** Undefined for a command that changes none. */
export function changeOf({ args }: Command): Change | undefined {
  const [name, ...words] = args;
  const verb = String(name);
  if (ALL_KEYS.has(verb)) return { keys: words, rest: [] };
  if (!ONE_KEY.has(verb) && !LIFE.has(verb) && !NUMBER.has(verb)) return undefined;
  // What takes a place that is free changes no value that anyone holds a copy of, and a lease is taken by everyone who waits.
  if (verb === 'SET' && words.includes('NX')) return undefined;
  return { keys: words.slice(0, 1), rest: words.slice(1) };
}
