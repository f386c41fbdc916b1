import { REFRESH_PREFIX, type KeySpace } from '../client/key-space.js';
import { leasePrefixes } from '../client/lease-key.js';
import { AnnouncingPort } from '../coherence/announcing-port.js';
import type { ChangeFeed, FeedApart } from '../coherence/change-feed.js';
import { PubSubFeed } from '../coherence/pub-sub-feed.js';
import { InvalidOptionError } from '../errors.js';
import type { Tracking } from '../redis/connection.js';
import { hearing, openListeners } from '../redis/open-listener.js';
import { openPort } from '../redis/open-port.js';
import type { RedisOptions } from '../redis/options.js';
import type { RedisPort } from '../redis/port.js';
import type { Logger } from '../runtime/logger.js';
import { oneOf } from '../validate.js';

/** How this process comes to know that a key was changed elsewhere. */
export type CoherenceMode = 'tracking' | 'broadcast' | 'pubsub' | 'none';

const MODES = ['tracking', 'broadcast', 'pubsub', 'none'] as const;

/** The way to Redis, and how changes by others are heard of. */
export interface OpenedRedis {
  readonly port: RedisPort;
  /** The same without what is put around it. */
  readonly bare: RedisPort;
  /** Missing where nobody tells. */
  readonly feed: ChangeFeed | undefined;
  /** The same where it is a connection apart. */
  readonly apart: FeedApart | undefined;
  /** See `Watches`. */
  readonly echoes: boolean;
}

export interface RedisSettings {
  readonly mode: CoherenceMode | undefined;
  /** Whether there are copies that changes must be heard of for. */
  readonly keepsCopies: boolean;
  readonly keys: KeySpace;
  readonly maxStaleWhenDisconnected: number;
  readonly logger: Logger;
}

/** Undefined where the client that was given cannot tell of changes, and nobody said that this be accepted. */
export function coherenceMode(
  options: { readonly coherence?: CoherenceMode; readonly memory?: object | false },
  redis: RedisOptions,
  logger: Logger,
): CoherenceMode | undefined {
  const chosen = options.coherence === undefined ? undefined : oneOf(options.coherence, MODES, 'coherence');
  if (chosen === 'none') return chosen;
  const able = hearing(redis);
  const can = { tracking: able.reads, broadcast: able.prefixes, pubsub: able.channel };
  // What only other caches tell is less than anyone expects who has not chosen it.
  const mode = chosen ?? (can.tracking ? 'tracking' : 'broadcast');
  if (can[mode]) return mode;
  if (chosen !== undefined || options.memory) {
    const ways = MODES.filter((other) => other === 'none' || can[other]);
    const what = mode === 'tracking' ? 'of keys that it has read' : 'of keys that change';
    throw new InvalidOptionError(
      `coherence: this client cannot tell ${what}; with it there ${ways.length === 1 ? 'is' : 'are'} ${ways.join(', ')}` +
        ` ('none': copies stay until their time is over). Or give a URL, or choose memory: false`,
    );
  }
  if (options.memory === undefined) {
    logger.warn(
      'nothing is kept in memory, since the Redis client cannot tell of keys that change, nor be duplicated; give a URL, ' +
        "or choose coherence: 'none' (copies then stay until their time is over) or memory: false",
    );
  }
  return undefined;
}

/** Connects in the background. */
export function openRedis(redis: RedisOptions, settings: RedisSettings): OpenedRedis {
  const { mode, keepsCopies, keys, maxStaleWhenDisconnected, logger } = settings;
  const tracking = keepsCopies && mode ? trackingOf(mode, keys) : undefined;
  const place = tracking && hearing(redis)[tracking.of];
  const onThePort = place?.where === 'on the port';
  const echoes = place?.echoes ?? false;
  // A connection that died without a word must be noticed well within the time that it is trusted.
  const heartbeatAtMost = Math.max(50, maxStaleWhenDisconnected / 3);
  const bare = openPort(redis, { logger, tracking: onThePort ? tracking : undefined, heartbeatAtMost });
  logStates(bare, logger);
  if (onThePort) return { port: bare, bare, feed: bare, apart: undefined, echoes };
  const listeners = tracking ? openListeners(redis, bare, tracking, heartbeatAtMost) : [];
  if (mode !== 'pubsub') return { port: bare, bare, feed: listeners[0], apart: listeners[0], echoes };
  const port = new AnnouncingPort(bare, keys.changesChannel);
  const feed = listeners.length > 0 ? new PubSubFeed(listeners, port.publisher, logger) : undefined;
  return { port, bare, feed, apart: feed, echoes };
}

function trackingOf(mode: CoherenceMode, keys: KeySpace): Tracking | undefined {
  const { familyPrefix } = keys;
  const tracking: Record<CoherenceMode, Tracking | undefined> = {
    tracking: { of: 'reads' },
    // The others are of leases that stand beside their keys. The family of bare keys is everything.
    broadcast: {
      of: 'prefixes',
      prefixes:
        familyPrefix === ''
          ? ['']
          : [familyPrefix, REFRESH_PREFIX + familyPrefix, ...leasePrefixes(familyPrefix)],
    },
    pubsub: { of: 'channel', channel: keys.changesChannel },
    none: undefined,
  };
  return tracking[mode];
}

function logStates(port: RedisPort, logger: Logger): void {
  port.onStateChange(({ state, previous, cause, part }) => {
    if (state === previous) return;
    const level = state === 'ready' || state === 'closed' ? 'info' : 'warn';
    logger[level](`Redis at ${part?.name ?? port.address} is ${state}`, { previous, error: cause });
  });
}
