import type { CacheManager, Resource } from 'tiercel';
import type { PopularPost, Profile, ProfileEdit, SocialService, TrendingUser } from './service.js';

/**
 * The same application with a cache in front of it. This file is all that the cache adds; the queries stay as
 * they are.
 */
export class CachedService implements SocialService {
  readonly #cache: CacheManager;
  readonly #source: SocialService;
  readonly #profiles: Resource<number, Profile | null>;

  constructor(cache: CacheManager, source: SocialService) {
    this.#cache = cache;
    this.#source = source;
    this.#profiles = cache.resource('user_profile', {
      load: (id: number) => source.profile(id),
      ttl: '15m',
    });
  }

  profile(id: number): Promise<Profile | null> {
    return this.#profiles.get(id);
  }

  /** These lists name users by their user name, which never changes; so an edit of a profile does not concern them. */
  popularPosts(limit: number): Promise<readonly PopularPost[]> {
    const load = () => this.#source.popularPosts(limit);
    return this.#cache.getOrSet(`popular_posts:${limit}`, load, { ttl: '5m' });
  }

  trendingUsers(): Promise<readonly TrendingUser[]> {
    return this.#cache.getOrSet('trending_users', () => this.#source.trendingUsers(), { ttl: '5m' });
  }

  /** The database first, then the cache: the other way round, a reader in between would bring the old row back. */
  async editProfile(id: number, edit: ProfileEdit): Promise<boolean> {
    const found = await this.#source.editProfile(id, edit);
    await this.#profiles.delete(id);
    return found;
  }
}
