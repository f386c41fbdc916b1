import type { Barrier } from '../memory/isolation.js';
import type { EntryPolicy } from './entry-policy.js';
import { lifetimes, type Lifetimes } from './freshness.js';
import type { Loaded } from './load.js';
import type { Kept } from './memory-tier.js';

/** A value just loaded, ready to be stored. */
export interface Fresh {
  readonly kept: Kept;
  readonly times: Lifetimes;
}

/** What is to be stored of a load; undefined for what is not. From here on the value is shared. */
export function freshOf<T>(
  { value, cost, skipped, ...loaded }: Loaded<T>,
  createdAt: number,
  policy: EntryPolicy,
  barrier: Barrier,
): Fresh | undefined {
  if (value === undefined || skipped) return undefined;
  const ttl = loaded.ttl ?? (value === null ? policy.negativeTtl : undefined) ?? policy.ttl;
  const times = lifetimes({ ...policy, ttl });
  const tags = loaded.tags.length === 0 ? policy.tags : [...new Set([...policy.tags, ...loaded.tags])];
  return { kept: { value: barrier.in(value), createdAt, cost, tags, ...times }, times };
}
