/** The values that rounds read and write: made from their number alone, so that any process can tell a wrong one. */
export type ValueKind = 'profile' | 'posts';

export interface Values {
  readonly kind: ValueKind;
  /** How many different ones there are. */
  readonly count: number;
  readonly at: (index: number) => unknown;
  /** Cheap enough for reads that take nanoseconds. */
  readonly hasItsId: (value: unknown, index: number) => boolean;
  /** Cheap enough for every other read; whole values are compared before and after the measured rounds. */
  readonly isRight: (value: unknown, index: number) => boolean;
}

interface Profile {
  readonly id: number;
  readonly email: string;
}

interface Post {
  readonly id: number;
  readonly title: string;
}

const WORDS =
  'the quick cache answers before anyone asks whether a slow database behind it would have said the same thing again'.split(
    ' ',
  );

function sentence(seed: number, words: number): string {
  let state = (seed * 2_654_435_761) >>> 0;
  const out: string[] = [];
  for (let i = 0; i < words; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    out.push(WORDS[state % WORDS.length] ?? '');
  }
  return out.join(' ');
}

/** A user profile of about 400 bytes as JSON. */
export function profile(id: number): Profile & Record<string, unknown> {
  return {
    id,
    email: `user${id}@example.org`,
    name: `Person Number ${id}`,
    country: ['NL', 'FR', 'DE', 'BR', 'JP'][id % 5],
    active: id % 7 !== 0,
    balance: (id * 137) % 100_000,
    rating: (id % 50) / 10,
    roles: id % 11 === 0 ? ['admin', 'author'] : ['reader'],
    address: { street: `${id % 300} Long Street`, city: 'Someplace', zip: String(10_000 + id) },
    settings: { theme: 'dark', language: 'en', newsletter: id % 2 === 0 },
    bio: sentence(id, 17),
    manager: null,
  };
}

/** Bodies are the bulk of a list; a few hundred of them make 40,000 posts quickly. */
const BODIES = Array.from({ length: 499 }, (_, i) => sentence(i, 54));

function post(id: number): Post & Record<string, unknown> {
  return {
    id,
    title: sentence(id, 7),
    author: { id: id % 997, name: `Person Number ${id % 997}` },
    tags: ['cache', WORDS[id % WORDS.length], 'redis'],
    likes: (id * 31) % 5_000,
    body: BODIES[id % BODIES.length],
    publishedAt: new Date(1_700_000_000_000 + id * 60_000).toISOString(),
  };
}

/** `count` stays well above the callers of any round, so that no two calls under way ask for one key. */
const COUNTS = { profile: 4_000, posts: 2_000 } as const;
const POSTS_PER_LIST = 20;

function posts(index: number): Post[] {
  return Array.from({ length: POSTS_PER_LIST }, (_, i) => post(index * POSTS_PER_LIST + i));
}

/** Whether it is the profile of this id, as far as a look at two fields tells. */
export function isProfile(value: unknown, index: number): boolean {
  const got = value as Partial<Profile> | null | undefined;
  return got?.id === index && got.email === `user${index}@example.org`;
}

function isPosts(value: unknown, index: number): boolean {
  if (!Array.isArray(value) || value.length !== POSTS_PER_LIST) return false;
  const first = value[0] as Partial<Post> | undefined;
  const last = value[POSTS_PER_LIST - 1] as Partial<Post> | undefined;
  return first?.id === index * POSTS_PER_LIST && last?.id === index * POSTS_PER_LIST + POSTS_PER_LIST - 1;
}

function hasProfilesId(value: unknown, index: number): boolean {
  return (value as Partial<Profile> | null | undefined)?.id === index;
}

function hasPostsId(value: unknown, index: number): boolean {
  const first = (value as readonly Partial<Post>[] | null | undefined)?.[0];
  return first?.id === index * POSTS_PER_LIST;
}

const MADE = new Map<ValueKind, Values>();

/** User profiles of about 400 bytes as JSON, or lists of posts of about 10 KiB. Made once a process. */
export function makeValues(kind: ValueKind): Values {
  const made = MADE.get(kind);
  if (made !== undefined) return made;
  const count = COUNTS[kind];
  const all: readonly unknown[] = Array.from({ length: count }, (_, i) =>
    kind === 'profile' ? profile(i) : posts(i),
  );
  const values: Values = {
    kind,
    count,
    at: (index) => all[index],
    hasItsId: kind === 'profile' ? hasProfilesId : hasPostsId,
    isRight: kind === 'profile' ? isProfile : isPosts,
  };
  MADE.set(kind, values);
  return values;
}
