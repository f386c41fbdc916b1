import { Random } from '../random.js';
import { zipfShares } from '../zipf.js';
import { usersByFame } from './popularity.js';
import { dataNow, dataSeed, type DataSize } from './size.js';
import { displayName, sentence, username } from './words.js';

/** One row: numbers, text, and points in time as ms since 1970. The order is that of the table's columns. */
export type Row = readonly (number | string)[];

const day = 24 * 60 * 60 * 1000;
const now = dataNow.getTime();

/** How uneven things are: 0 is even, 1 is what is found for page views. Follower counts lie in between. */
const skew = { followers: 0.6, posts: 0.35, likes: 0.5, comments: 0.5 } as const;

/** A user's age is spread over two years, a post's over 200 days. */
const oldestUser = 730 * day;
const oldestPost = 200 * day;

export function* userRows(size: DataSize): Generator<Row> {
  const random = new Random(dataSeed, 2);
  for (let id = 1; id <= size.users; id++) {
    yield [
      id,
      username(id),
      `${username(id)}@example.com`,
      now - oldestPost - random.below(oldestUser - oldestPost),
    ];
  }
}

export function* profileRows(size: DataSize): Generator<Row> {
  const random = new Random(dataSeed, 3);
  const places = ['Lisbon', 'Nairobi', 'Osaka', 'Tromsø', 'Valparaíso', 'Winnipeg'];
  for (let id = 1; id <= size.users; id++) {
    yield [id, displayName(random), sentence(random, 12), places[random.below(places.length)] ?? ''];
  }
}

export function* followerRows(size: DataSize): Generator<Row> {
  const random = new Random(dataSeed, 4);
  const fame = usersByFame(size.users);
  const counts = zipfShares(size.followers, size.users, skew.followers, size.users >> 1);
  const pick = distinct(size.users, random);
  for (const [rank, count] of counts.entries()) {
    const user = fame[rank] ?? 0;
    for (const follower of pick(count, user))
      yield [user, follower, now - Math.floor(random.next() * oldestPost)];
  }
}

/** Who writes much is not who is followed much: posts are dealt out in an order of their own. */
export function* postRows(size: DataSize): Generator<Row> {
  const random = new Random(dataSeed, 5);
  const writers = random.permutation(size.users);
  const counts = zipfShares(size.posts, size.users, skew.posts);
  const ages = postAges(size);
  let id = 0;
  for (const [rank, count] of counts.entries()) {
    for (let i = 0; i < count; i++) {
      id++;
      yield [id, (writers[rank] ?? 0) + 1, sentence(random, 16), now - (ages[id] ?? 0)];
    }
  }
}

export function* likeRows(size: DataSize): Generator<Row> {
  const random = new Random(dataSeed, 7);
  const posts = random.permutation(size.posts);
  const counts = zipfShares(size.likes, size.posts, skew.likes, size.users >> 1);
  const ages = postAges(size);
  const pick = distinct(size.users, random);
  for (const [rank, count] of counts.entries()) {
    const post = (posts[rank] ?? 0) + 1;
    for (const user of pick(count, 0)) yield [post, user, reactedAt(random, ages[post] ?? 0)];
  }
}

export function* commentRows(size: DataSize): Generator<Row> {
  const random = new Random(dataSeed, 7);
  // The same stream as the likes: a post that is liked much is also commented much.
  const posts = random.permutation(size.posts);
  const counts = zipfShares(size.comments, size.posts, skew.comments);
  const ages = postAges(size);
  let id = 0;
  for (const [rank, count] of counts.entries()) {
    const post = (posts[rank] ?? 0) + 1;
    for (let i = 0; i < count; i++) {
      yield [
        ++id,
        post,
        random.below(size.users) + 1,
        sentence(random, 8),
        reactedAt(random, ages[post] ?? 0),
      ];
    }
  }
}

export function* reviewRows(size: DataSize): Generator<Row> {
  const random = new Random(dataSeed, 8);
  for (let id = 1; id <= size.reviews; id++) {
    const rating = 5 - Math.min(4, Math.floor(random.exponential(1)));
    const at = now - random.below(oldestPost);
    yield [id, random.below(size.users) + 1, random.below(size.users) + 1, rating, at];
  }
}

/** Ages of the posts in ms, by id. Likes and comments need them too, since none is older than its post. */
function postAges(size: DataSize): Float64Array {
  const random = new Random(dataSeed, 6);
  return Float64Array.from({ length: size.posts + 1 }, () => random.below(oldestPost));
}

/** Most reactions come within hours of the post. */
function reactedAt(random: Random, age: number): number {
  const after = random.exponential(day / 4);
  return now - age + Math.floor(after < age ? after : random.next() * age);
}

/** Picks `count` different user ids, never `except`, by trying again; `count` must be well below `users`. */
function distinct(users: number, random: Random): (count: number, except: number) => Generator<number> {
  const lastUse = new Int32Array(users + 1);
  let use = 0;
  return function* pick(count, except) {
    use++;
    lastUse[except] = use;
    for (let found = 0; found < count;) {
      const id = random.below(users) + 1;
      if (lastUse[id] === use) continue;
      lastUse[id] = use;
      found++;
      yield id;
    }
  };
}
