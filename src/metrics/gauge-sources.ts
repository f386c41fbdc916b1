import type { RemovalCounts } from '../memory/removal.js';
import type { PortState, RedisPort } from '../redis/port.js';
import type { ByPortState, MemoryGauges, MetricsSnapshot, RedisGauges } from './snapshot.js';

/** What tells of the memory of the process. */
export interface MemorySource {
  readonly size: number;
  readonly bytes: number;
  readonly maxBytes: number;
  /** Since it was made. */
  readonly removals: Readonly<RemovalCounts>;
}

/** Asks memory and Redis how they stand, when somebody wants to know. */
export class GaugeSources {
  #memory: MemorySource | undefined;
  #port: RedisPort | undefined;
  /** What memory had counted at the last reset: it counts on. */
  #removalsBefore: Readonly<RemovalCounts> | undefined;
  #entered: Record<PortState, number> = noStates();

  attach(memory: MemorySource | undefined, port: RedisPort | undefined): void {
    this.#memory = memory;
    this.#port = port;
    this.#removalsBefore = memory?.removals;
    port?.onStateChange(({ state, previous }) => {
      if (state !== previous) this.#entered[state]++;
    });
  }

  snapshot(): Pick<MetricsSnapshot, 'memory' | 'redis'> {
    return {
      ...(this.#memory && { memory: this.#memoryGauges(this.#memory) }),
      ...(this.#port && { redis: this.#redisGauges(this.#port) }),
    };
  }

  reset(): void {
    this.#removalsBefore = this.#memory?.removals;
    this.#entered = noStates();
  }

  #memoryGauges({ size, bytes, maxBytes, removals }: MemorySource): MemoryGauges {
    const before = this.#removalsBefore;
    const since = Object.fromEntries(
      Object.entries(removals).map(([reason, count]) => [
        reason,
        count - (before?.[reason as keyof RemovalCounts] ?? 0),
      ]),
    ) as RemovalCounts;
    return { entries: size, bytes, maxBytes, evictions: since.capacity, removals: since };
  }

  #redisGauges(port: RedisPort): RedisGauges {
    return {
      states: { ...noStates(), [port.state]: 1 },
      entered: { ...this.#entered },
      servers: port.servers.map(({ address, state }) => ({ address, states: { ...noStates(), [state]: 1 } })),
      tracking: port.tracking,
    };
  }
}

export function noStates(): { -readonly [State in keyof ByPortState]: number } {
  return { connecting: 0, ready: 0, degraded: 0, silent: 0, lost: 0, closed: 0 };
}
