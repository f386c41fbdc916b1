import { usersByFame } from '../data/popularity.js';
import { sentence } from '../data/words.js';
import { Random } from '../random.js';
import { Zipf } from '../zipf.js';

/** One thing a visitor does. */
export type LoadRequest =
  | { readonly kind: 'profile'; readonly id: number }
  | { readonly kind: 'popular' }
  | { readonly kind: 'trending' }
  | { readonly kind: 'view'; readonly id: number }
  | { readonly kind: 'edit'; readonly id: number; readonly bio: string };

/** Of 100 requests: 1 edit, 6 popular posts, 3 trending users, 5 views of posts, 85 profiles. */
const share = { edit: 0.01, popular: 0.06, trending: 0.03, view: 0.05 } as const;
/** Posts that are viewed, the most viewed first. */
const viewedPosts = 2000;

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
  readonly #post = new Zipf(viewedPosts, 0.99);

  constructor(users: number) {
    this.#fame = usersByFame(users);
    this.#rank = new Zipf(users, 0.99);
  }

  next(): LoadRequest {
    const random = this.#random;
    let point = random.next();
    const isWithin = (part: number): boolean => (point -= part) < 0;
    if (isWithin(share.edit)) {
      return { kind: 'edit', id: random.below(this.#fame.length) + 1, bio: sentence(random, 12) };
    }
    if (isWithin(share.popular)) return { kind: 'popular' };
    if (isWithin(share.trending)) return { kind: 'trending' };
    if (isWithin(share.view)) return { kind: 'view', id: this.#post.draw(random) + 1 };
    return { kind: 'profile', id: this.profileId() };
  }

  /** Whose profile is read next. */
  profileId(): number {
    return this.#fame[this.#rank.draw(this.#random)] ?? 1;
  }
}
