/** Beyond this many objects the rest of one value stays as it is: a bound on the time a write may take. */
const MAX_OBJECTS = 1_000_000;

const MAP_WRITERS = ['set', 'delete', 'clear'] as const;
const SET_WRITERS = ['add', 'delete', 'clear'] as const;
const DATE_WRITERS = Object.getOwnPropertyNames(Date.prototype).filter((name) => name.startsWith('set'));

/**
 * Makes a value safe to share: plain objects and arrays are frozen, all the way down. A Map, Set or Date keeps its
 * contents outside its properties, where freezing does not reach; their writing methods are covered by ones that
 * throw a TypeError like a frozen object does, and they are frozen besides. Reading, iterating, encoding
 * and cloning work as before.
 *
 * Left as they are: Buffers and typed arrays, which JavaScript cannot freeze, instances of other classes, whose
 * methods may need to write, and functions. Cycles are fine. A getter of a plain object is run once, and
 * what it throws is thrown here.
 *
 * @returns The same value.
 */
export function freezeDeep<T>(value: T): T {
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  const open: object[] = [];
  freezeOne(value, open);
  // Most values are flat, or nearly.
  if (open.length === 0) return value;
  // Frozen by others, perhaps not deep; those frozen here are recognised by being frozen.
  let foreign: Set<object> | undefined;
  for (let object = open.pop(), left = MAX_OBJECTS; object !== undefined && left > 0; object = open.pop()) {
    left--;
    if (Object.isFrozen(object)) {
      foreign ??= new Set();
      if (foreign.has(object)) {
        continue;
      }
      foreign.add(object);
    }
    freezeOne(object, open);
  }
  return value;
}

function freezeOne(object: object, open: object[]): void {
  if (Array.isArray(object)) {
    Object.freeze(object);
    for (const element of object as readonly unknown[]) {
      pushObject(open, element);
    }
    return;
  }
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype === Map.prototype) {
    cover(object, MAP_WRITERS, 'Map');
    for (const [key, value] of object as ReadonlyMap<unknown, unknown>) {
      pushObject(open, key);
      pushObject(open, value);
    }
  } else if (prototype === Set.prototype) {
    cover(object, SET_WRITERS, 'Set');
    for (const member of object as ReadonlySet<unknown>) {
      pushObject(open, member);
    }
  } else if (prototype === Date.prototype) {
    cover(object, DATE_WRITERS, 'Date');
  } else if (isPlainPrototype(prototype)) {
    Object.freeze(object);
    // Of all ways to look at an object's members this is the only one that allocates nothing.
    for (const name in object) {
      const member: unknown = (object as Readonly<Record<string, unknown>>)[name];
      if (typeof member === 'object' && member !== null && Object.hasOwn(object, name)) open.push(member);
    }
  }
}

/** Plain also in the eyes of another realm, such as a test runner's: its prototype is where the chain ends. */
export function isPlainPrototype(prototype: unknown): boolean {
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}

function pushObject(open: object[], value: unknown): void {
  if (typeof value === 'object' && value !== null) {
    open.push(value);
  }
}

const covers = new Map<string, PropertyDescriptor>();

function cover(object: object, writers: readonly string[], kind: string): void {
  if (!Object.isExtensible(object)) {
    return;
  }
  let descriptor = covers.get(kind);
  if (descriptor === undefined) {
    descriptor = {
      // Not enumerable, so that comparisons and encoders do not see it.
      enumerable: false,
      value: () => {
        throw new TypeError(`Cannot change a ${kind} that is shared by a cache; make a copy of it first`);
      },
    };
    covers.set(kind, descriptor);
  }
  for (const writer of writers) {
    Object.defineProperty(object, writer, descriptor);
  }
  Object.freeze(object);
}
