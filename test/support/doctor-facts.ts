import type { DeploymentFacts, KeySample, ServerFacts } from '../../src/cli/doctor/facts.js';
import { ServerInfo } from '../../src/cli/redis/server-info.js';

/** INFO of a server as it should be. */
const HEALTHY: Readonly<Record<string, string | number>> = {
  redis_version: '7.2.5',
  role: 'master',
  uptime_in_seconds: 86_400,
  maxmemory: 1e9,
  maxmemory_policy: 'allkeys-lfu',
  used_memory: 500_000_000,
  total_system_memory: 4e9,
  mem_fragmentation_ratio: 1.1,
  evicted_keys: 0,
  keyspace_hits: 90_000,
  keyspace_misses: 10_000,
  connected_clients: 20,
  rejected_connections: 0,
  maxclients: 10_000,
  tracking_total_keys: 1000,
  aof_enabled: 0,
  rdb_last_bgsave_status: 'ok',
  aof_last_write_status: 'ok',
  connected_slaves: 0,
  master_repl_offset: 1000,
  db0: 'keys=1000,expires=1000,avg_ttl=5000',
};

const SETTINGS: Readonly<Record<string, string>> = {
  appendfsync: 'everysec',
  bind: '127.0.0.1 -::1',
  'min-replicas-to-write': '0',
  'protected-mode': 'yes',
  'tracking-table-max-keys': '1000000',
};

const KEYS: KeySample = {
  measured: 1000,
  databaseKeys: 1000,
  complete: true,
  queueKeys: 0,
  largest: [{ redisKey: 'shop::a', bytes: 200, frequency: 10 }],
  hottest: [{ redisKey: 'shop::a', bytes: 200, frequency: 10 }],
};

export interface FactsOf extends Partial<Omit<ServerFacts, 'info' | 'settings' | 'keys'>> {
  /** Beside what a healthy one has; undefined for a field that the server does not have. */
  readonly info?: Readonly<Record<string, string | number | undefined>>;
  /** The same; null for a server that does not let us ask. */
  readonly settings?: Readonly<Record<string, string>> | null;
  readonly keys?: Partial<KeySample> | null;
}

/** A healthy server, but for what is said. */
function serverFacts({ info, settings, keys, ...rest }: FactsOf = {}): ServerFacts {
  const lines = Object.entries({ ...HEALTHY, ...info }).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}:${value}\r`],
  );
  const refused = { known: false, why: 'NOPERM' } as const;
  return {
    address: '127.0.0.1:6379',
    info: new ServerInfo(['# All', ...lines].join('\n')),
    settings:
      settings === null
        ? refused
        : { known: true, value: new Map(Object.entries({ ...SETTINGS, ...settings })) },
    pings: [0.2, 0.3, 0.4],
    slowLog: { known: true, value: [] },
    openToAll: { known: true, value: false },
    cluster: undefined,
    keys: keys === null ? refused : { known: true, value: { ...KEYS, ...keys } },
    ...rest,
  };
}

/** A deployment of that server. */
export function deploymentFacts(
  server: FactsOf = {},
  rest: Partial<Omit<DeploymentFacts, 'servers'>> = {},
): DeploymentFacts {
  return {
    kind: 'server',
    tls: false,
    servers: [serverFacts(server)],
    unreachable: [],
    sentinels: [],
    writeBehind: false,
    ...rest,
  };
}
