import type { CacheManager, EntryOptions, Resource, ResourceDefinition } from 'tiercel';

/** The database behind a cache, as strategies use it. */
export interface Store<T> {
  readonly load: (id: number) => Promise<T | undefined>;
  readonly loadMany: (ids: readonly number[]) => Promise<Array<T | undefined>>;
  readonly save: (id: number, value: T) => Promise<void>;
  readonly remove: (id: number) => Promise<void>;
}

/** The rows of one store as an application reads and writes them by one strategy. */
export interface Rows<T> {
  /** What the cache knows the row by. */
  key(id: number): string;
  get(id: number): Promise<T | undefined>;
  getMany(ids: readonly number[]): Promise<ReadonlyMap<number, T>>;
  save(id: number, value: T): Promise<void>;
  remove(id: number): Promise<void>;
  /** Resolves when the store has all that was acknowledged. */
  flush(): Promise<void>;
}

/** One way to keep a cache and a database in step. Its rows are kept under a name of their own, so that all can share a cache. */
export interface Strategy {
  readonly name: string;
  /** Whether a write is done before the store has it. */
  readonly isBehind: boolean;
  /** Whether the first reader after a write finds it, and loads nothing. */
  readonly findsWrites: boolean;
  /** Whether the rows that are missing are loaded in one call. */
  readonly loadsMany: boolean;
  /** Whether a write that the database has rejects where Redis could not be told of it, which is made up for all the same. */
  readonly tellsOfRedis: boolean;
  /** Whether of writers of one row at once the cache ends with the one that the store ends with. */
  readonly ordersWriters: boolean;
  open<T>(cache: CacheManager, store: Store<T>, entry?: Omit<EntryOptions, 'tags'>): Rows<T>;
}

type Traits = Partial<Omit<Strategy, 'name' | 'open'>>;

function strategy(name: string, traits: Traits, open: Strategy['open']): Strategy {
  return {
    name,
    isBehind: false,
    findsWrites: false,
    loadsMany: false,
    tellsOfRedis: false,
    ordersWriters: true,
    ...traits,
    open,
  };
}

/** The application's own calls around its own database. */
function aside(name: string, traits: Traits, tell: 'set' | 'delete'): Strategy {
  return strategy(
    name,
    { loadsMany: true, tellsOfRedis: true, ...traits },
    <T>(cache: CacheManager, store: Store<T>, entry?: object): Rows<T> => {
      const key = (id: number): string => `aside-${tell}:${id}`;
      return {
        key,
        get: (id) => cache.getOrSet(key(id), () => store.load(id), entry),
        async getMany(ids) {
          const byKey = new Map(ids.map((id) => [key(id), id]));
          const idOf = (one: string): number => byKey.get(one) as number;
          const load = (keys: readonly string[]): Promise<Array<T | undefined>> =>
            store.loadMany(keys.map(idOf));
          const found = await cache.getOrSetMany(byKey.keys(), load, entry);
          return new Map([...found].map(([one, value]) => [idOf(one), value as T]));
        },
        async save(id, value) {
          await store.save(id, value);
          await (tell === 'set' ? cache.set(key(id), value, entry) : cache.delete(key(id)));
        },
        async remove(id) {
          await store.remove(id);
          await cache.delete(key(id));
        },
        flush: async () => undefined,
      };
    },
  );
}

/** A resource that is only read, beside an application that writes to its database itself. */
function readThrough(name: string, by: 'load' | 'loadMany'): Strategy {
  return strategy(
    name,
    { loadsMany: by === 'loadMany', tellsOfRedis: true },
    <T>(cache: CacheManager, store: Store<T>, entry?: object): Rows<T> => {
      const { load, loadMany } = store;
      const rows: Resource<number, T | undefined> = cache.resource(`read-${by}`, {
        ...(by === 'load' ? { load } : { loadMany }),
        ...entry,
      });
      return {
        ...readsOf<T>(rows),
        async save(id, value) {
          await store.save(id, value);
          await rows.delete(id);
        },
        async remove(id) {
          await store.remove(id);
          await rows.delete(id);
        },
        flush: async () => undefined,
      };
    },
  );
}

/** A resource that is written too. */
function written(
  name: string,
  traits: Traits,
  define: <T>(store: Store<T>) => Partial<ResourceDefinition<number, T | undefined>>,
): Strategy {
  return strategy(name, traits, <T>(cache: CacheManager, store: Store<T>, entry?: object): Rows<T> => {
    const { load, remove } = store;
    const rows: Resource<number, T | undefined> = cache.resource(name.replaceAll(/\W/g, '-'), {
      load,
      remove,
      ...define(store),
      ...entry,
    });
    return {
      ...readsOf<T>(rows),
      save: (id, value) => rows.save(id, value),
      remove: (id) => rows.remove(id),
      async flush() {
        if (!traits.isBehind) return;
        const left = await rows.flush();
        if (left > 0) throw new Error(`${left} writes did not reach the database`);
      },
    };
  });
}

function readsOf<T>(rows: Resource<number, T | undefined>): Pick<Rows<T>, 'key' | 'get' | 'getMany'> {
  return {
    key: (id) => rows.key(id),
    get: (id) => rows.get(id),
    getMany: (ids) => rows.getMany(ids),
  };
}

/** As `save` of one does it. An `undefined` never comes here: that is for `remove`. */
const saveOne =
  <T>({ save }: Store<T>) =>
  (id: number, value: T | undefined): Promise<void> =>
    save(id, value as T);

const saveEach =
  <T>({ save }: Store<T>) =>
  async (writes: ReadonlyArray<{ readonly id: number; readonly value: T | undefined }>): Promise<void> => {
    await Promise.all(writes.map(({ id, value }) => save(id, value as T)));
  };

/** Looked at often, so that tests need not wait for it. */
const behind = { pollInterval: 5, retryDelay: { min: 5, max: 10 } } as const;

/** Declares that what is read is refreshed before it expires. */
export const refreshAhead = written('refresh-ahead', { findsWrites: true }, (store) => ({
  save: saveOne(store),
  refresh: 'ahead',
}));

export const strategies: readonly Strategy[] = [
  aside('cache-aside that deletes', {}, 'delete'),
  // Of two writers at once the one that sets last need not be the one that the database had last.
  aside('cache-aside that sets', { findsWrites: true, ordersWriters: false }, 'set'),
  readThrough('read-through by load', 'load'),
  readThrough('read-through by loadMany', 'loadMany'),
  written('write-around', {}, (store) => ({ save: saveOne(store), write: 'around' })),
  written('write-through', { findsWrites: true }, (store) => ({ save: saveOne(store), write: 'through' })),
  written('write-through by saveMany', { findsWrites: true, loadsMany: true }, (store) => ({
    loadMany: store.loadMany,
    saveMany: saveEach(store),
  })),
  written('write-behind', { findsWrites: true, isBehind: true }, (store) => ({
    save: saveOne(store),
    write: 'behind',
    behind,
  })),
  written('write-behind by saveMany', { findsWrites: true, isBehind: true, loadsMany: true }, (store) => ({
    loadMany: store.loadMany,
    saveMany: saveEach(store),
    write: 'behind',
    behind,
  })),
  refreshAhead,
];

/** Refreshed by nearly every read, where a load took 20 ms, so that tests need not wait until it is time. */
export const EAGER = { ttl: 2000, jitter: 0, earlyRefresh: 100 } as const;
