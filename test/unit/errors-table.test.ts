import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as tiercel from '../../src/index.js';
import * as errors from '../../src/errors.js';

type ErrorClass = new (message: string, details?: object) => tiercel.CacheError;

/** All concrete error classes of a module, by name. */
function errorClasses(module: object): Map<string, ErrorClass> {
  const found = new Map<string, ErrorClass>();
  for (const [name, member] of Object.entries(module)) {
    const isError = typeof member === 'function' && member.prototype instanceof errors.CacheError;
    if (isError) found.set(name, member as ErrorClass);
  }
  return found;
}

function codeOf(type: ErrorClass): string {
  return type === (errors.BulkError as unknown)
    ? new errors.BulkError(new Map(), 0).code
    : new type('message').code;
}

describe('docs/errors.md', () => {
  const text = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
  const rows = [...text.matchAll(/^\| `(TIERCEL_\w+)`\s+\| `(\w+)`\s+\| \S.*\| \S.*\| \S.*\|$/gm)];
  const documented = new Map(rows.map(([, code = '', name = '']) => [name, code]));
  const classes = errorClasses(errors);

  it('has a row for every error class, with its code, and for nothing else', () => {
    const actual = new Map([...classes].map(([name, type]) => [name, codeOf(type)]));
    expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(actual));
  });

  it('tells classes apart by code', () => {
    expect(new Set(documented.values()).size).toBe(documented.size);
  });

  it('describes classes that applications can import', () => {
    expect([...errorClasses(tiercel).keys()].toSorted()).toEqual([...classes.keys()].toSorted());
    expect(tiercel.CacheError).toBe(errors.CacheError);
  });
});

describe('every error', () => {
  it.each([...errorClasses(errors)].filter(([name]) => name !== 'BulkError'))(
    '%s tells what it knows',
    (name, type) => {
      const cause = new Error('below');
      const error = new type('what happened', { operation: 'get', key: 'k', cause });
      expect(error).toBeInstanceOf(errors.CacheError);
      expect(error).toMatchObject({ name, message: 'what happened', operation: 'get', key: 'k', cause });
    },
  );
});
