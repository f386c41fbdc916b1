import type { ServerInfo } from './redis/server-info.js';

/** What one server tells of itself. Counts are since it was started, or since `CONFIG RESETSTAT`; all clients are in them. */
export interface ServerStats {
  readonly address: string;
  readonly product: string;
  readonly role: string;
  /** Milliseconds. */
  readonly uptime: number;
  /** Reads of keys that Redis had, and had not. What processes answered from their own memory is in neither. */
  readonly hits: number;
  readonly misses: number;
  /** From 0 to 1; undefined where nothing was read. */
  readonly hitRate: number | undefined;
  readonly commands: number;
  /** By Redis's own count over its last seconds. */
  readonly opsPerSecond: number;
  readonly usedBytes: number;
  /** 0 for no limit. */
  readonly maxBytes: number;
  readonly policy: string | undefined;
  readonly keys: number;
  readonly expiring: number;
  readonly evicted: number;
  readonly expired: number;
  readonly clients: number;
  /** Keys that the server would tell processes of, were they to change. */
  readonly trackedKeys: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
}

export function serverStats(address: string, info: ServerInfo): ServerStats {
  const count = (name: string): number => info.number(name) ?? 0;
  const { name, version } = info.product();
  const hits = count('keyspace_hits');
  const misses = count('keyspace_misses');
  return {
    address,
    product: `${name} ${version ?? '?'}`,
    role: info.text('role') ?? 'unknown',
    uptime: 1000 * count('uptime_in_seconds'),
    hits,
    misses,
    hitRate: hitRate(hits, misses),
    commands: count('total_commands_processed'),
    opsPerSecond: count('instantaneous_ops_per_sec'),
    usedBytes: count('used_memory'),
    maxBytes: count('maxmemory'),
    policy: info.text('maxmemory_policy'),
    ...info.keys(),
    evicted: count('evicted_keys'),
    expired: count('expired_keys'),
    clients: count('connected_clients'),
    trackedKeys: count('tracking_total_keys'),
    readBytes: count('total_net_input_bytes'),
    writtenBytes: count('total_net_output_bytes'),
  };
}

export function hitRate(hits: number, misses: number): number | undefined {
  return hits + misses === 0 ? undefined : hits / (hits + misses);
}
