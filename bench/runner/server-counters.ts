import type { RedisServer } from '../../servers/redis.js';

/** What the server itself counted in one round. */
export interface ServerCounters {
  /** Calls by command, `get`, `mget`, `client|tracking`; commands run by a script are counted too. */
  readonly commands: Readonly<Record<string, number>>;
  /** Keys that reads found; an MGET finds many. */
  readonly keysFound: number;
  /** How often the server read from a connection: what came in one piece, many commands perhaps, is one of them. */
  readonly trips: number;
}

/** The bench's own commands. */
const OURS = new Set(['info', 'config|resetstat']);

export async function resetCounters(servers: readonly RedisServer[]): Promise<void> {
  await Promise.all(servers.map((server) => server.cli('CONFIG', 'RESETSTAT')));
}

/** Of all of them together. */
export async function readCounters(servers: readonly RedisServer[]): Promise<ServerCounters> {
  const all = await Promise.all(servers.map(countersOf));
  const commands: Record<string, number> = {};
  for (const each of all) {
    for (const [name, calls] of Object.entries(each.commands)) commands[name] = (commands[name] ?? 0) + calls;
  }
  const sum = (of: 'keysFound' | 'trips'): number => all.reduce((total, each) => total + each[of], 0);
  return { commands, keysFound: sum('keysFound'), trips: sum('trips') };
}

async function countersOf(server: RedisServer): Promise<ServerCounters> {
  const info = String(await server.cli('INFO', 'stats', 'commandstats'));
  const commands: Record<string, number> = {};
  for (const [, name = '', calls] of info.matchAll(/^cmdstat_(.+?):calls=(\d+)/gm)) {
    if (!OURS.has(name)) commands[name] = Number(calls);
  }
  const count = (name: string): number => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
  // Reading this is one more.
  const trips = Math.max(0, count('total_reads_processed') - 1);
  return { commands, keysFound: count('keyspace_hits'), trips };
}
