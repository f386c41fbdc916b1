import type { RedisServer } from '../../servers/redis.js';

/** What a case that the bench leads may use: the contender's processes, and the Redis behind them. */
export interface Stage {
  /** Resolves with what the process at this place answers to the request. */
  readonly act: (place: number, request: unknown) => Promise<unknown>;
  readonly server: RedisServer;
  readonly quick: boolean;
}
