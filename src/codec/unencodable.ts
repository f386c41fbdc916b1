import { types } from 'node:util';
import { EncodeError } from '../errors.js';

/**
 * Looks through a value for what a codec cannot bring back, and says where it is. A codec calls it when its encoder has
 * failed or met something unusual, so that ordinary values are not walked twice.
 */

/** What a codec takes. */
export interface Rules {
  /** For messages, such as `JSON`. */
  readonly codec: string;
  /** The platform's objects that come back as what they were. */
  readonly takes: ReadonlySet<Builtin>;
  /** Whether `NaN`, infinities, BigInt, and `undefined` within an array come back. */
  readonly takesEveryPrimitive: boolean;
  /** Whether an own key `__proto__` comes back. */
  readonly takesProtoKey: boolean;
}

type Builtin = 'Date' | 'RegExp' | 'Map' | 'Set' | 'Error' | 'ArrayBuffer' | 'DataView' | 'typed array';

/** Where the trouble is, and what it is. */
export interface Unencodable {
  /** Such as `value.user.callback`. */
  readonly path: string;
  /** Such as `is a function`. */
  readonly reason: string;
}

/** From this depth on every step asks whether it has been here before; shallower values pay nothing for that. */
const SUSPICIOUS_DEPTH = 64;

const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;

const TYPED_ARRAYS: ReadonlySet<unknown> = new Set([
  Buffer,
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
]);

/** The first thing in `value` that the rules refuse, a cycle among them; or undefined. Runs getters and `toJSON`. */
export function findUnencodable(value: unknown, rules: Rules): Unencodable | undefined {
  const found = visit(value, rules, [], true);
  return found && { path: `value${found.path}`, reason: found.reason };
}

/** What to throw with: `the msgpack codec cannot store value.user.callback: it is a function`. */
export function describe(found: Unencodable, rules: Rules): string {
  return `the ${rules.codec} codec cannot store ${found.path}: it ${found.reason}`;
}

/** The error to throw when encoding `value` has failed with `error`: it says what and where, if that can be found. */
export function explain(error: unknown, value: unknown, rules: Rules): EncodeError {
  let found: Unencodable | undefined;
  try {
    found = findUnencodable(value, rules);
  } catch {
    // A getter that throws, or more levels than there is stack for: what stopped the encoder says it as well.
  }
  const text = found
    ? describe(found, rules)
    : `the ${rules.codec} codec cannot store value: ${String(error)}`;
  return new EncodeError(text, { cause: error });
}

function visit(
  value: unknown,
  rules: Rules,
  ancestors: object[],
  undefinedIsLost: boolean,
): Unencodable | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return undefined;
    case 'number':
      return rules.takesEveryPrimitive || Number.isFinite(value) ? undefined : here(`is ${value}`);
    case 'bigint':
      return rules.takesEveryPrimitive ? undefined : here('is a BigInt');
    case 'undefined':
      return undefinedIsLost && (ancestors.length === 0 || !rules.takesEveryPrimitive)
        ? here('is undefined')
        : undefined;
    case 'function':
      return here('is a function');
    case 'symbol':
      return here('is a symbol');
    default:
      return value === null ? undefined : visitObject(value as object, rules, ancestors);
  }
}

function visitObject(value: object, rules: Rules, ancestors: object[]): Unencodable | undefined {
  if (ancestors.length >= SUSPICIOUS_DEPTH && ancestors.includes(value)) return here(IN_A_CYCLE);
  ancestors.push(value);
  const found = visitMembers(value, rules, ancestors);
  ancestors.pop();
  // The cycle was met long after it closed; its path is that of the first object met twice, which has none below.
  return found?.reason === IN_A_CYCLE ? cyclePath(value, found, ancestors) : found;
}

function visitMembers(value: object, rules: Rules, ancestors: object[]): Unencodable | undefined {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return visitFields(value, rules, ancestors);
  if (Array.isArray(value)) return visitItems(value, rules, ancestors);
  const builtin = builtinOf(value);
  if (builtin !== undefined) {
    if (!rules.takes.has(builtin))
      return here(`is a ${nameOf(value)}, which would come back as something else`);
    if (builtin === 'Map') return visitMap(value as Map<unknown, unknown>, rules, ancestors);
    if (builtin === 'Set') return visitItems([...(value as Set<unknown>)], rules, ancestors);
    if (builtin === 'Error') return at('.cause', visit((value as Error).cause, rules, ancestors, false));
    return undefined;
  }
  if (isForeign(value)) return here(`is a ${nameOf(value)}, which cannot be brought back`);
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON === 'function') {
    const json: unknown = toJSON.call(value);
    if (json !== value) return visit(json, rules, ancestors, true);
  }
  return visitFields(value, rules, ancestors);
}

function visitFields(value: object, rules: Rules, ancestors: object[]): Unencodable | undefined {
  for (const key of Object.keys(value)) {
    if (key === '__proto__' && !rules.takesProtoKey) return here('has a key __proto__ of its own');
    const found = visit((value as Record<string, unknown>)[key], rules, ancestors, false);
    if (found) return at(IDENTIFIER.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`, found);
  }
  return undefined;
}

function visitItems(items: readonly unknown[], rules: Rules, ancestors: object[]): Unencodable | undefined {
  for (let i = 0; i < items.length; i++) {
    const found = visit(items[i], rules, ancestors, true);
    if (found) return at(`[${i}]`, found);
  }
  return undefined;
}

function visitMap(
  map: ReadonlyMap<unknown, unknown>,
  rules: Rules,
  ancestors: object[],
): Unencodable | undefined {
  let i = 0;
  for (const [key, item] of map) {
    const found =
      at(`.keys()[${i}]`, visit(key, rules, ancestors, false)) ??
      at(
        typeof key === 'string' ? `.get(${JSON.stringify(key)})` : `.values()[${i}]`,
        visit(item, rules, ancestors, false),
      );
    if (found) return found;
    i++;
  }
  return undefined;
}

/** Which of the platform's storable objects it is. A Map of a class of its own is none: its entries would be lost. */
function builtinOf(value: object): Builtin | undefined {
  if (types.isDate(value)) return 'Date';
  if (types.isMap(value) && value.constructor === Map) return 'Map';
  if (types.isSet(value) && value instanceof Set) return 'Set';
  if (types.isRegExp(value)) return 'RegExp';
  if (types.isArrayBuffer(value)) return 'ArrayBuffer';
  if (types.isTypedArray(value)) return TYPED_ARRAYS.has(value.constructor) ? 'typed array' : undefined;
  if (types.isDataView(value)) return 'DataView';
  return value instanceof Error && !(value instanceof AggregateError) ? 'Error' : undefined;
}

/** Whether it is one of the platform's own kinds whose content is not in its fields: a Promise, a WeakMap, a URL. */
function isForeign(value: object): boolean {
  if (
    types.isMap(value) ||
    types.isSet(value) ||
    types.isTypedArray(value) ||
    types.isSharedArrayBuffer(value)
  )
    return true;
  if (types.isBoxedPrimitive(value) || types.isGeneratorObject(value) || types.isPromise(value)) return true;
  if (value instanceof AggregateError) return true;
  const tag: unknown = (value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag];
  if (typeof tag !== 'string') return false;
  const platformClass: unknown = (globalThis as Record<string, unknown>)[tag];
  return typeof platformClass === 'function' && value instanceof platformClass;
}

function nameOf(value: object): string {
  const { constructor } = value as { constructor?: unknown };
  return typeof constructor === 'function' && constructor.name !== '' ? constructor.name : 'object';
}

const IN_A_CYCLE = 'is in a cycle';

function cyclePath(value: object, found: Unencodable, ancestors: readonly object[]): Unencodable {
  return ancestors.includes(value) ? here(IN_A_CYCLE) : found;
}

function here(reason: string): Unencodable {
  return { path: '', reason };
}

function at(segment: string, found: Unencodable | undefined): Unencodable | undefined {
  return found && { path: segment + found.path, reason: found.reason };
}
