import { CacheError } from '../../errors.js';
import type { RedisPort, Reply } from '../../redis/port.js';
import { replyText } from '../../redis/reply-text.js';

/**
 * What of a server's settings would let it lose acknowledged writes, in words for an operator; empty where all is well, and
 * where the server does not let us ask.
 */
export async function durabilityFindings(port: RedisPort): Promise<string[]> {
  const findings = await Promise.all(port.servers.map(findingsOf));
  return findings.flat();
}

async function findingsOf(server: RedisPort): Promise<string[]> {
  const settings = await settingsOf(server);
  const findings: string[] = [];
  const where = `Redis at ${server.address}`;
  if (settings.get('appendonly') === 'no') {
    findings.push(
      `${where} keeps no append-only file: writes that were acknowledged and are not in the database yet are lost when it ` +
        'stops; set appendonly yes',
    );
  } else if (settings.get('appendfsync') === 'no') {
    findings.push(
      `${where} leaves it to the operating system when its append-only file reaches the disk (appendfsync no): with the ` +
        'machine, acknowledged writes of half a minute are lost; set everysec, or always to lose none',
    );
  }
  const policy = settings.get('maxmemory-policy');
  if (settings.get('maxmemory') !== '0' && policy?.startsWith('allkeys') === true) {
    findings.push(
      `${where} may evict any key when it is full (maxmemory-policy ${policy}), pending writes too; take one of volatile-*, ` +
        'which spares keys without an expiry, or another server for write-behind',
    );
  }
  return findings;
}

async function settingsOf(server: RedisPort): Promise<Map<string, string>> {
  const names = ['appendonly', 'appendfsync', 'maxmemory', 'maxmemory-policy'];
  const settings = new Map<string, string>();
  const replies = await server.sendAll(names.map((name) => ({ key: name, args: ['CONFIG', 'GET', name] })));
  for (const reply of replies) {
    if (reply instanceof CacheError) continue; // an ACL, or a provider that hides its settings
    for (const [name, value] of pairs(reply)) settings.set(name, value);
  }
  return settings;
}

/** A map of RESP3, which clients give as an object or a Map, or a flat list of RESP2. */
function pairs(reply: Reply): Array<[string, string]> {
  if (Array.isArray(reply)) return reply.length === 2 ? [[replyText(reply[0]), replyText(reply[1])]] : [];
  const entries: Array<[unknown, unknown]> =
    reply instanceof Map ? [...reply] : Object.entries(reply as Record<string, unknown>);
  return entries.map(([name, value]) => [replyText(name as Reply), replyText(value as Reply)]);
}
