import type { CacheManager, PreloadPattern, Resource } from 'tiercel';
import type { DatabaseService } from './database-service.js';
import type { PopularPost, Profile, ProfileEdit, SocialService, TrendingUser } from './service.js';

/** Entries of the lists, of which readers get the first. */
const POPULAR = 100;
const TRENDING = 50;

/** Views of one post, counted here: this is the only process that serves the API. */
interface Counter {
  views: number;
}

/**
 * The same application with a cache in front of it. This file is all that the cache adds; the queries stay as
 * they are.
 */
export class CachedService implements SocialService {
  readonly #cache: CacheManager;
  readonly #source: DatabaseService;
  readonly #profiles: Resource<number, Profile | null>;
  readonly #views: Resource<number, number>;
  readonly #counters = new Map<number, Promise<Counter>>();
  #viewStatements = 0;
  #listsPreloaded = 0;
  #listLoads = 0;

  constructor(cache: CacheManager, source: DatabaseService) {
    this.#cache = cache;
    this.#source = source;
    // Write-through: the database first, then the cache, so that the next reader finds the edit without a query.
    this.#profiles = cache.resource('user_profile', {
      load: (id: number) => source.profile(id),
      save: (id, profile) => source.editProfile(id, profile ?? {}),
      write: 'through',
      ttl: '15m',
    });
    // Write-behind: acknowledged by Redis, and written to the database with many others.
    this.#views = cache.resource('post_views', {
      load: (id: number) => source.views(id),
      saveMany: async (writes) => {
        this.#viewStatements++;
        await source.saveViews(
          writes.map(({ id }) => id),
          writes.map(({ value }) => value),
        );
      },
      write: 'behind',
    });
  }

  /** Kept in the cache from the start on, so that nobody waits for these queries. */
  get preloads(): readonly PreloadPattern[] {
    return [
      {
        name: 'popular posts',
        schedule: '5m',
        priority: 10,
        warmUp: true,
        load: async () => this.#preloaded('popular_posts', await this.#source.popularPosts(POPULAR)),
      },
      {
        name: 'trending users',
        schedule: '5m',
        warmUp: true,
        load: async () => this.#preloaded('trending_users', await this.#source.trendingUsers(TRENDING)),
      },
    ];
  }

  /** Statements that brought views to the database. */
  get viewStatements(): number {
    return this.#viewStatements;
  }

  /** Lists that were loaded before anybody asked. */
  get listsPreloaded(): number {
    return this.#listsPreloaded;
  }

  /** Lists that were loaded because a caller asked and they were not there. */
  get listLoads(): number {
    return this.#listLoads;
  }

  profile(id: number): Promise<Profile | null> {
    return this.#profiles.get(id);
  }

  /** These lists name users by their user name, which never changes; so an edit of a profile does not concern them. */
  async popularPosts(limit: number): Promise<readonly PopularPost[]> {
    const load = () => {
      this.#listLoads++;
      return this.#source.popularPosts(POPULAR);
    };
    return (await this.#cache.getOrSet('popular_posts', load, { ttl: '10m' })).slice(0, limit);
  }

  async trendingUsers(limit: number): Promise<readonly TrendingUser[]> {
    const load = () => {
      this.#listLoads++;
      return this.#source.trendingUsers(TRENDING);
    };
    return (await this.#cache.getOrSet('trending_users', load, { ttl: '10m' })).slice(0, limit);
  }

  async editProfile(id: number, edit: ProfileEdit): Promise<boolean> {
    const profile = await this.#profiles.get(id);
    if (profile === null) return false;
    await this.#profiles.save(id, { ...profile, ...edit });
    return true;
  }

  async viewPost(id: number): Promise<number> {
    const counter = await this.#counter(id);
    const views = ++counter.views;
    await this.#views.save(id, views);
    return views;
  }

  /** Resolves when the database has every view that was counted. */
  async flush(): Promise<void> {
    const left = await this.#views.flush('1m');
    if (left > 0) throw new Error(`${left} counters have not reached the database`);
  }

  #preloaded(key: string, list: readonly object[]): Array<[key: string, list: readonly object[]]> {
    this.#listsPreloaded++;
    return [[key, list]];
  }

  #counter(id: number): Promise<Counter> {
    let counter = this.#counters.get(id);
    if (!counter) {
      counter = this.#views.get(id).then((views) => ({ views }));
      this.#counters.set(id, counter);
      counter.catch(() => this.#counters.delete(id));
    }
    return counter;
  }
}
