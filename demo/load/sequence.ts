import { usersByFame } from '../data/popularity.js';
import { sentence } from '../data/words.js';
import { Random } from '../random.js';
import { Zipf } from '../zipf.js';

/** One thing a visitor does. */
export type LoadRequest =
  | { readonly kind: 'profile'; readonly id: number }
  | { readonly kind: 'popular' }
  | { readonly kind: 'trending' }
  | { readonly kind: 'edit'; readonly id: number; readonly bio: string };

/** Of 100 requests: 1 edit, 6 popular posts, 3 trending users, 90 profiles. */
const share = { edit: 0.01, popular: 0.06, trending: 0.03 } as const;

const loadSeed = 42;

/**
 * What all callers together ask for, in one order that is the same in every run. Profiles are read by Zipf's
 * law (exponent 0.99, as is usual for caches), the most followed first. Edits are spread evenly, since people
 * edit their own profile, and being read more often does not make anybody edit more often.
 */
export class RequestSequence {
  readonly #random = new Random(loadSeed);
  readonly #fame: Int32Array;
  readonly #rank: Zipf;

  constructor(users: number) {
    this.#fame = usersByFame(users);
    this.#rank = new Zipf(users, 0.99);
  }

  next(): LoadRequest {
    const random = this.#random;
    const point = random.next();
    if (point < share.edit) {
      return { kind: 'edit', id: random.below(this.#fame.length) + 1, bio: sentence(random, 12) };
    }
    if (point < share.edit + share.popular) return { kind: 'popular' };
    if (point < share.edit + share.popular + share.trending) return { kind: 'trending' };
    return { kind: 'profile', id: this.profileId() };
  }

  /** Whose profile is read next. */
  profileId(): number {
    return this.#fame[this.#rank.draw(this.#random)] ?? 1;
  }
}
