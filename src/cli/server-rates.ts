import { hitRate, type ServerStats } from './server-stats.js';

/** What one server did between two looks at it. */
export interface ServerRates {
  readonly address: string;
  /** Milliseconds between the looks. */
  readonly interval: number;
  readonly opsPerSecond: number;
  readonly hitsPerSecond: number;
  readonly missesPerSecond: number;
  /** From 0 to 1; undefined where nothing was read. */
  readonly hitRate: number | undefined;
  readonly evictedPerSecond: number;
  readonly expiredPerSecond: number;
  readonly readBytesPerSecond: number;
  readonly writtenBytesPerSecond: number;
  readonly usedBytes: number;
  readonly maxBytes: number;
  readonly keys: number;
  readonly clients: number;
  readonly trackedKeys: number;
}

/** @param interval - milliseconds between the two. */
export function serverRates(before: ServerStats, after: ServerStats, interval: number): ServerRates {
  // Counts begin anew where the server was started again, or told to forget them.
  const grown = (
    of: 'commands' | 'hits' | 'misses' | 'evicted' | 'expired' | 'readBytes' | 'writtenBytes',
  ): number => (after[of] >= before[of] ? after[of] - before[of] : after[of]);
  const perSecond = (count: number): number => (1000 * count) / interval;
  return {
    address: after.address,
    interval,
    opsPerSecond: perSecond(grown('commands')),
    hitsPerSecond: perSecond(grown('hits')),
    missesPerSecond: perSecond(grown('misses')),
    hitRate: hitRate(grown('hits'), grown('misses')),
    evictedPerSecond: perSecond(grown('evicted')),
    expiredPerSecond: perSecond(grown('expired')),
    readBytesPerSecond: perSecond(grown('readBytes')),
    writtenBytesPerSecond: perSecond(grown('writtenBytes')),
    usedBytes: after.usedBytes,
    maxBytes: after.maxBytes,
    keys: after.keys,
    clients: after.clients,
    trackedKeys: after.trackedKeys,
  };
}
