import { setTimeout as pause } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { CacheManager, Resource } from 'tiercel';
import { machineNow, type Kind } from '../history.js';
import { readRow, writeBehind, writeGroup, writeRow, type BehindValue } from './database.js';
import type { WorkerLog } from './log.js';

const GROUPS = 3;
export const groupOf = (id: number): string => `group:${id % GROUPS}`;

/** A worker's things: each kind a resource over the same database, changed in its own way. */
export class Things {
  readonly #cache: CacheManager;
  readonly #pool: Pool;
  readonly #log: WorkerLog;
  readonly #random: () => number;
  readonly #direct: Readonly<Record<Exclude<Kind, 'behind'>, Resource<number, string>>>;
  readonly #behind: Resource<number, BehindValue>;
  #loads = 0;

  constructor(cache: CacheManager, pool: Pool, log: WorkerLog, random: () => number, aheadTtl: number) {
    this.#cache = cache;
    this.#pool = pool;
    this.#log = log;
    this.#random = random;
    const load = (kind: Kind) => (id: number) => this.#load(kind, id);
    const save =
      (kind: Kind) =>
      (id: number, token: string): Promise<void> =>
        this.#saving([token], () => writeRow(pool, kind, id, token));
    this.#direct = {
      aside: cache.resource('aside', { load: load('aside') }),
      ahead: cache.resource('ahead', { load: load('ahead'), refresh: 'ahead', ttl: aheadTtl }),
      around: cache.resource('around', { load: load('around'), save: save('around'), write: 'around' }),
      through: cache.resource('through', { load: load('through'), save: save('through'), write: 'through' }),
      tagged: cache.resource('tagged', { load: load('tagged'), tags: (_, id) => [groupOf(id)] }),
    };
    this.#behind = cache.resource('behind', {
      load: async (id: number) => ({ token: await this.#load('behind', id), version: 0 }),
      saveMany: async (writes) => {
        await writeBehind(pool, writes);
        for (const { value } of writes) if (value) log.add(['applied', value.token, machineNow()]);
      },
      write: 'behind',
      behind: {
        lease: 600,
        pollInterval: 20,
        retryDelay: { min: 20, max: 300 },
        // No fault lasts so long that a write would be given up.
        maxAttempts: 1000,
        closeTimeout: 0,
      },
    });
  }

  /** Never rejects: whatever came of it is in the log. */
  async read(kind: Kind, id: number): Promise<void> {
    const begin = machineNow();
    try {
      const token = kind === 'behind' ? (await this.#behind.get(id)).token : await this.#direct[kind].get(id);
      this.#log.add(['read', `${kind}:${id}`, begin, machineNow(), token, null]);
    } catch (error) {
      this.#log.add(['read', `${kind}:${id}`, begin, machineNow(), null, String(error)]);
    }
  }

  async writeAside(kind: 'aside' | 'ahead', id: number, token: string): Promise<void> {
    await this.#written([kind], [id], token, async () => {
      // The database may have it although it failed.
      try {
        await this.#saving([token], () => writeRow(this.#pool, kind, id, token));
      } finally {
        await this.#direct[kind].delete(id);
      }
    });
  }

  async save(kind: 'around' | 'through', id: number, token: string): Promise<void> {
    await this.#written([kind], [id], token, () => this.#direct[kind].save(id, token));
  }

  async saveBehind(id: number, value: BehindValue): Promise<void> {
    await this.#written(['behind'], [id], value.token, () => this.#behind.save(id, value));
  }

  /** All things of a group, by one statement and one tag. */
  async writeGroup(ids: readonly number[], token: string): Promise<void> {
    await this.#written(['tagged'], ids, token, async () => {
      const tokens = ids.map((id) => `${token}/${id}`);
      try {
        await this.#saving(tokens, () => writeGroup(this.#pool, 'tagged', ids, token));
      } finally {
        await this.#cache.invalidateTags([groupOf(ids[0] ?? 0)]);
      }
    });
  }

  /** Resolves with how many writes are left. */
  async flush(): Promise<number> {
    return this.#behind.flush('15s');
  }

  async #written(
    [kind]: readonly [Kind],
    ids: readonly number[],
    token: string,
    work: () => Promise<unknown>,
  ): Promise<void> {
    const tokens = kind === 'tagged' ? ids.map((id) => `${token}/${id}`) : [token];
    const begin = machineNow();
    for (const [i, id] of ids.entries()) this.#log.addNow(['write', `${kind}:${id}`, tokens[i] ?? '', begin]);
    let failure: string | null = null;
    try {
      await work();
    } catch (error) {
      failure = String(error);
    }
    const end = machineNow();
    for (const one of tokens) this.#log.addNow(['written', one, end, failure === null, failure]);
  }

  async #saving(tokens: readonly string[], work: () => Promise<void>): Promise<void> {
    const begin = machineNow();
    let ok = false;
    try {
      await work();
      ok = true;
    } finally {
      const end = machineNow();
      for (const token of tokens) this.#log.add(['saved', token, begin, end, ok]);
    }
  }

  /** Slow enough for changes to come in the middle, before the row is read and after. */
  async #load(kind: Kind, id: number): Promise<string> {
    const number = this.#loads++;
    this.#log.add(['load', number, `${kind}:${id}`, machineNow()]);
    try {
      await pause(this.#random() * 15);
      const token = await readRow(this.#pool, kind, id);
      await pause(this.#random() * 15);
      this.#log.add(['loaded', number, machineNow(), null]);
      return token;
    } catch (error) {
      this.#log.add(['loaded', number, machineNow(), String(error)]);
      throw error;
    }
  }
}
