import { dataNow } from '../data/size.js';
import type { Database } from '../database.js';
import { popularPostsQuery } from '../queries/posts.sql.js';
import { editProfileQuery, profileQuery, tunedProfileQuery } from '../queries/profile.sql.js';
import { trendingUsersQuery } from '../queries/users.sql.js';
import { countViewQuery, saveViewsQuery, viewsQuery } from '../queries/views.sql.js';
import type { PopularPost, Profile, ProfileEdit, SocialService, TrendingUser } from './service.js';

/** Asks the database every time. */
export class DatabaseService implements SocialService {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async profile(id: number): Promise<Profile | null> {
    const [profile] = await this.#database.query<Profile>(profileQuery, [id]);
    return profile ?? null;
  }

  /** The same answer by the query that a specialist would write. */
  async profileTuned(id: number): Promise<Profile | null> {
    const [profile] = await this.#database.query<Profile>(tunedProfileQuery, [id], 'tuned-profile');
    return profile ?? null;
  }

  popularPosts(limit: number): Promise<PopularPost[]> {
    return this.#database.query<PopularPost>(popularPostsQuery, [dataNow, limit]);
  }

  trendingUsers(limit: number): Promise<TrendingUser[]> {
    return this.#database.query<TrendingUser>(trendingUsersQuery, [dataNow, limit]);
  }

  async editProfile(id: number, { displayName, bio, location }: ProfileEdit): Promise<boolean> {
    const values = [id, displayName ?? null, bio ?? null, location ?? null];
    const changed = await this.#database.query<{ user_id: number }>(editProfileQuery, values);
    return changed.length > 0;
  }

  async viewPost(id: number): Promise<number> {
    const [row] = await this.#database.query<{ views: number }>(countViewQuery, [id]);
    return row?.views ?? 0;
  }

  async views(id: number): Promise<number> {
    const [row] = await this.#database.query<{ views: number }>(viewsQuery, [id]);
    return row?.views ?? 0;
  }

  /** Of many posts at once, as they are and not what is to be added. */
  async saveViews(ids: readonly number[], views: readonly number[]): Promise<void> {
    await this.#database.query(saveViewsQuery, [ids, views]);
  }
}
