/** What a profile page shows. */
export interface Profile {
  readonly id: number;
  readonly username: string;
  readonly memberSince: Date;
  readonly displayName: string;
  readonly bio: string;
  readonly location: string;
  readonly followers: number;
  readonly posts: number;
  readonly reviews: number;
  /** Mean of the ratings, 1 to 5, to two digits; null for somebody nobody has reviewed. */
  readonly rating: number | null;
}

/** One of the most liked posts of the last 24 hours. */
export interface PopularPost {
  readonly id: number;
  readonly body: string;
  readonly createdAt: Date;
  readonly author: string;
  readonly likes: number;
  readonly comments: number;
}

/** One of those who gained most followers in a week. */
export interface TrendingUser {
  readonly id: number;
  readonly username: string;
  readonly newFollowers: number;
  readonly newPosts: number;
  readonly engagement: number;
}

/** What a user may change about himself. Fields that are left out stay. */
export interface ProfileEdit {
  readonly displayName?: string;
  readonly bio?: string;
  readonly location?: string;
}

/** What the application does, whether or not there is a cache. */
export interface SocialService {
  /** Null for a user who does not exist. */
  profile(id: number): Promise<Profile | null>;
  /** At most `limit` posts, the most liked first. */
  popularPosts(limit: number): Promise<readonly PopularPost[]>;
  /** At most `limit` users, those who gained most first. */
  trendingUsers(limit: number): Promise<readonly TrendingUser[]>;
  /** False for a user who does not exist. */
  editProfile(id: number, edit: ProfileEdit): Promise<boolean>;
  /** Counts one view of a post, and says how many there are. */
  viewPost(id: number): Promise<number>;
}
