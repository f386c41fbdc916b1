/** How much data there is. Everything else follows from the number of users. */
export interface DataSize {
  readonly users: number;
  readonly followers: number;
  readonly posts: number;
  readonly likes: number;
  readonly comments: number;
  readonly reviews: number;
}

/** The averages of a network a few years old: 50 followers, 10 posts, 50 likes given, 15 comments, 3 reviews. */
export function sizeFor(users: number): DataSize {
  return {
    users,
    followers: users * 50,
    posts: users * 10,
    likes: users * 50,
    comments: users * 15,
    reviews: users * 3,
  };
}

/** The size that the printed figures are for: a million followers. */
export const fullUsers = 20_000;

/** Enough to see every part at work, in seconds. */
export const smallUsers = 1_000;

/** Same seed, same data. */
export const dataSeed = 20_260_101;

/**
 * The moment at which the data stops, and "now" for all queries. With the wall clock, data that is loaded once
 * and kept would have no posts of the last 24 hours the day after.
 */
export const dataNow = new Date('2026-01-01T12:00:00Z');
