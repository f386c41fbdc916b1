import type { KeyPart, PortState, StateChange } from '../redis/port.js';

/**
 * Where news of changes come from: the port itself, a connection apart, or the messages of other processes.
 *
 * Whoever it is, the news of a change must come after the change, and none may be lost while it is `ready` without that
 * being told.
 */
export interface ChangeFeed {
  /** `ready` while changes are told; `degraded` while all are that can be read. */
  readonly state: PortState;
  /** A key of Redis was changed or removed; null: all of them were, or all of the part that is given. */
  onInvalidate(listener: (redisKey: string | null, part?: KeyPart) => void): void;
  /** Changes may have gone unheard although the connection stands. Missing where that cannot be. */
  onUnproven?(listener: () => void): void;
  /** See `RedisPort`. */
  onStateChange(listener: (change: StateChange) => void): () => void;
  /** See `RedisPort`. */
  onLag(listener: (milliseconds: number) => void): void;
  /** When it last gave a sign of life, by `performance.now()`; `Infinity` before the first connection. */
  lastHeard(): number;
}

/** A feed that is a connection of its own. */
export interface FeedApart extends ChangeFeed {
  /** Resolves when changes are told; to be called once the port is connected. */
  connect(): Promise<void>;
  close(): void;
}
