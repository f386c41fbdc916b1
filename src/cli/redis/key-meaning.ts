import { REFRESH_PREFIX } from '../../client/key-space.js';
import { keyOfLease } from '../../client/lease-key.js';

/** What a Redis key is, as far as its name tells. */
export interface KeyMeaning {
  /** As it stands in Redis, `shop:eu` for `eu` within `shop`; undefined for a key that has none. */
  readonly namespace: string | undefined;
  /**
   * `entry`: a value, or the marker of a load under way. `lease`: such a marker beside its key. `tag`: what invalidated tags leave.
   * `shared`: what entries have in common. `write-behind`: a queue of writes to the database. `preload`: turns of preloading.
   * `other`: none that a namespace of this package has.
   */
  readonly kind: 'entry' | 'lease' | 'tag' | 'shared' | 'write-behind' | 'preload' | 'other';
}

const KINDS: ReadonlyMap<string | undefined, KeyMeaning['kind']> = new Map([
  ['%tag', 'tag'],
  ['%tagfloor', 'tag'],
  ['%blob', 'shared'],
  ['%dict', 'shared'],
  ['%dictclaim', 'shared'],
  ['%behind', 'write-behind'],
  ['%preload', 'preload'],
] as const);

/** The keys of a queue stand in braces, for one slot of a Cluster to have them all. */
const BRACED = /^\{([^}]*%(?:behind|preload)::[^}]*)\}/;

/** Of bare keys the name tells nothing: they are `other`. */
export function keyMeaning(redisKey: string): KeyMeaning {
  const leased = keyOfLease(redisKey);
  if (leased !== undefined) return { namespace: keyMeaning(leased).namespace, kind: 'lease' };
  if (redisKey.startsWith(REFRESH_PREFIX)) {
    return { namespace: keyMeaning(redisKey.slice(REFRESH_PREFIX.length)).namespace, kind: 'lease' };
  }
  const key = BRACED.exec(redisKey)?.[1] ?? redisKey;
  const end = key.indexOf('::');
  if (end === -1) return { namespace: undefined, kind: 'other' };
  const names = key.slice(0, end).split(':');
  const kind = KINDS.get(names.at(-1));
  const path = kind === undefined ? names : names.slice(0, -1);
  return { namespace: path.join(':'), kind: kind ?? 'entry' };
}

/** Whether that is the namespace, or one within it. */
export function isWithin(namespace: string | undefined, family: string): boolean {
  return namespace !== undefined && (namespace === family || namespace.startsWith(`${family}:`));
}
