import type { ServerInfo } from '../redis/server-info.js';

/** What was asked for, or why it is not known: an ACL, a provider that hides its settings, an older server. */
export type Asked<T> =
  | { readonly known: true; readonly value: T }
  | { readonly known: false; readonly why: string };

export interface SlowCommand {
  /** The name alone: arguments are keys and values. */
  readonly name: string;
  /** Milliseconds. */
  readonly took: number;
  /** Milliseconds before now, by the clock of the server. */
  readonly ago: number;
}

export interface SampledKeyFacts {
  readonly redisKey: string;
  /** By MEMORY USAGE. */
  readonly bytes: number;
  /** The counter of LFU; undefined where the policy keeps none. */
  readonly frequency: number | undefined;
}

/** Some of the keys of a server. */
export interface KeySample {
  readonly measured: number;
  readonly databaseKeys: number;
  readonly complete: boolean;
  /** Keys of queues of writes to the database. */
  readonly queueKeys: number;
  /** The largest, and those used most, each in that order; a few. */
  readonly largest: readonly SampledKeyFacts[];
  readonly hottest: readonly SampledKeyFacts[];
}

/** All that the checks know of one server that answered. */
export interface ServerFacts {
  readonly address: string;
  readonly info: ServerInfo;
  /** By CONFIG GET, in the words of redis.conf. */
  readonly settings: Asked<ReadonlyMap<string, string>>;
  /** Milliseconds each took, in the order sent. */
  readonly pings: readonly number[];
  /** The newest. */
  readonly slowLog: Asked<readonly SlowCommand[]>;
  /** Whether somebody without a password is let in. */
  readonly openToAll: Asked<boolean>;
  /** By CLUSTER INFO; undefined for a server of no Cluster. */
  readonly cluster: Asked<ReadonlyMap<string, string>> | undefined;
  readonly keys: Asked<KeySample>;
}

export interface SentinelFacts {
  readonly address: string;
  /** What CKQUORUM said; an error is among the answers. */
  readonly quorum: Asked<string>;
}

export interface DeploymentFacts {
  readonly kind: 'server' | 'cluster' | 'sentinel';
  /** Whether we came by TLS, and with a password. */
  readonly tls: boolean;
  readonly servers: readonly ServerFacts[];
  /** Servers, or the whole of them, that could not be asked. */
  readonly unreachable: ReadonlyArray<{ readonly address: string; readonly why: string }>;
  readonly sentinels: readonly SentinelFacts[];
  /** Whether there are queues of writes to the database: seen among the keys, or said so. */
  readonly writeBehind: boolean;
}

/** One setting; undefined where it is not known or the server has none of that name. */
export function setting({ settings }: ServerFacts, name: string): string | undefined {
  return settings.known ? settings.value.get(name) : undefined;
}

/** The same as a number. */
export function numberSetting(server: ServerFacts, name: string): number | undefined {
  const text = setting(server, name);
  return text === undefined || text === '' || Number.isNaN(Number(text)) ? undefined : Number(text);
}
