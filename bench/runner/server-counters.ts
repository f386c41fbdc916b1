import type { RedisServer } from '../../servers/redis.js';

/** What the server itself counted in one round. */
export interface ServerCounters {
  /** Calls by command, `get`, `mget`, `client|tracking`; commands run by a script are counted too. */
  readonly commands: Readonly<Record<string, number>>;
  /** Keys that reads found; an MGET finds many. */
  readonly keysFound: number;
}

/** The bench's own commands. */
const OURS = new Set(['info', 'config|resetstat']);

export async function resetCounters(server: RedisServer): Promise<void> {
  await server.cli('CONFIG', 'RESETSTAT');
}

export async function readCounters(server: RedisServer): Promise<ServerCounters> {
  const info = String(await server.cli('INFO', 'stats', 'commandstats'));
  const commands: Record<string, number> = {};
  for (const [, name = '', calls] of info.matchAll(/^cmdstat_(.+?):calls=(\d+)/gm)) {
    if (!OURS.has(name)) commands[name] = Number(calls);
  }
  return { commands, keysFound: Number(/^keyspace_hits:(\d+)/m.exec(info)?.[1] ?? 0) };
}
