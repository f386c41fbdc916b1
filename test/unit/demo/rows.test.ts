import { describe, expect, it } from 'vitest';
import { usersByFame } from '../../../demo/data/popularity.js';
import {
  commentRows,
  followerRows,
  likeRows,
  postRows,
  profileRows,
  reviewRows,
  userRows,
  type Row,
} from '../../../demo/data/rows.js';
import { tables } from '../../../demo/data/schema.js';
import { dataNow, fullUsers, sizeFor } from '../../../demo/data/size.js';

const size = sizeFor(200);

const generators = {
  users: userRows,
  profiles: profileRows,
  followers: followerRows,
  posts: postRows,
  likes: likeRows,
  comments: commentRows,
  reviews: reviewRows,
} as const;

const names = Object.keys(generators) as (keyof typeof generators)[];

function distinctPairs(rows: readonly Row[]): number {
  return new Set(rows.map(([a, b]) => `${a} ${b}`)).size;
}

describe('the full size', () => {
  it('has at least 20,000 users, 200,000 posts and a million followers', () => {
    const { users, posts, followers } = sizeFor(fullUsers);
    expect(users).toBeGreaterThanOrEqual(20_000);
    expect(posts).toBeGreaterThanOrEqual(200_000);
    expect(followers).toBeGreaterThanOrEqual(1_000_000);
  });
});

describe.each(names)('the rows of %s', (name) => {
  const rows = [...generators[name](size)];

  it('are the same every time', () => {
    expect([...generators[name](size)]).toEqual(rows);
  });

  it('are as many as the size says', () => {
    expect(rows.length).toBe(name === 'profiles' ? size.users : size[name]);
  });

  it('have a value of the right kind for each column', () => {
    const kinds = tables[name].columns.map(({ type }) => (type === 'text' ? 'string' : 'number'));
    expect(rows.every((row) => row.every((value, i) => typeof value === kinds[i]))).toBe(true);
    expect(rows.every((row) => row.length === kinds.length)).toBe(true);
  });

  it('have no text that would need escaping in an array literal', () => {
    expect(rows.flat().filter((value) => typeof value === 'string' && /["\\{}\0]/.test(value))).toEqual([]);
  });

  it('have no point in time after the moment at which the data stops', () => {
    const at = tables[name].columns.findIndex(({ type }) => type === 'timestamptz');
    expect(rows.filter((row) => Number(row[at]) > dataNow.getTime())).toEqual([]);
  });
});

describe('followers', () => {
  const rows = [...followerRows(size)];

  it('follow a user once and never themselves', () => {
    expect(distinctPairs(rows)).toBe(rows.length);
    expect(rows.filter(([user, follower]) => user === follower)).toEqual([]);
  });

  it('follow the best known user most', () => {
    const counts = new Map<unknown, number>();
    for (const [user] of rows) counts.set(user, (counts.get(user) ?? 0) + 1);
    expect(counts.get(usersByFame(size.users)[0])).toBe(Math.max(...counts.values()));
  });
});

describe('likes and comments', () => {
  const posted = new Map([...postRows(size)].map(([id, , , at]) => [id, Number(at)]));

  it('are never older than their post', () => {
    expect(
      [...likeRows(size)].filter(([post, , at]) => Number(at) < (posted.get(post ?? 0) ?? Infinity)),
    ).toEqual([]);
    expect(
      [...commentRows(size)].filter(([, post, , , at]) => Number(at) < (posted.get(post ?? 0) ?? Infinity)),
    ).toEqual([]);
  });

  it('have one like of a user for a post', () => {
    const likes = [...likeRows(size)];
    expect(distinctPairs(likes)).toBe(likes.length);
  });
});
