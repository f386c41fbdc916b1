/**
 * What one small entry takes in Redis, as a string of its own and as a field of a hash with a hundred: see
 * docs/decisions/0015-a-string-for-each-entry.md. `used_memory` before and after, so all the server keeps for it is counted.
 *
 *     node --conditions=@tiercel/source --import tsx bench/memory-per-key.ts
 */
import { randomBytes } from 'node:crypto';
import { rawAddress, sendRaw } from '../servers/raw-redis.js';
import { startRedis, type RedisServer } from '../servers/redis.js';
import { encodeEntry } from '../src/codec/entry.js';

const ENTRIES = 20_000;
const PER_HASH = 100;
const COMMANDS_AT_ONCE = 5_000;
const VALUE_BYTES = [8, 32, 100, 300, 1000];
const TTL = 900_000;

type Args = Array<string | Buffer>;
interface Layout {
  readonly name: string;
  /** Largest value that Redis keeps in the compact form of a hash; 64 unless configured. */
  readonly compactUpTo?: number;
  store(i: number, value: Buffer): Args;
  key(i: number): string;
}

const id = (i: number): string => `user:${String(i).padStart(7, '0')}`;
const stringKey = (i: number): string => `shop::${id(i)}`;
const hashKey = (i: number): string => `shop::users:${Math.floor(i / PER_HASH)}`;
const entry = (value: Buffer): Buffer =>
  encodeEntry({ codec: 1, createdAt: Date.now(), freshFor: TTL }, value);

const layouts: readonly Layout[] = [
  { name: 'string, bare', key: stringKey, store: (i, value) => ['SET', stringKey(i), value] },
  {
    name: 'string, bare, TTL',
    key: stringKey,
    store: (i, value) => ['SET', stringKey(i), value, 'PX', String(TTL)],
  },
  {
    name: 'string, entry, TTL',
    key: stringKey,
    store: (i, value) => ['SET', stringKey(i), entry(value), 'PX', String(TTL)],
  },
  { name: 'hash, bare', key: hashKey, store: (i, value) => ['HSET', hashKey(i), id(i), value] },
  { name: 'hash, entry', key: hashKey, store: (i, value) => ['HSET', hashKey(i), id(i), entry(value)] },
  {
    name: 'hash, entry, configured',
    compactUpTo: 4096,
    key: hashKey,
    store: (i, value) => ['HSET', hashKey(i), id(i), entry(value)],
  },
];

async function usedMemory(server: RedisServer): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(String(await server.cli('INFO', 'memory')))?.[1]);
}

/** Bytes an entry takes of the server's memory, and those that MEMORY USAGE tells of. */
async function measure(
  server: RedisServer,
  layout: Layout,
  bytes: number,
): Promise<{ used: number; told: number }> {
  await server.cli('FLUSHALL');
  await server.cli('CONFIG', 'SET', 'hash-max-listpack-value', String(layout.compactUpTo ?? 64));
  const before = await usedMemory(server);
  const address = rawAddress(server.url);
  for (let start = 0; start < ENTRIES; start += COMMANDS_AT_ONCE) {
    const commands = Array.from({ length: COMMANDS_AT_ONCE }, (_, i) =>
      layout.store(start + i, randomBytes(bytes)),
    );
    await sendRaw(address, commands, 30_000);
  }
  const used = ((await usedMemory(server)) - before) / ENTRIES;
  const keys = new Set(Array.from({ length: 1000 }, (_, i) => layout.key(i)));
  let told = 0;
  for (const reply of await sendRaw(
    address,
    [...keys].map((key) => ['MEMORY', 'USAGE', key, 'SAMPLES', '0']),
  )) {
    told += Number(reply);
  }
  return { used, told: told / 1000 };
}

await using server = await startRedis();
const version = /redis_version:(\S+)/.exec(String(await server.cli('INFO', 'server')))?.[1];
const allocator = /mem_allocator:(\S+)/.exec(String(await server.cli('INFO', 'memory')))?.[1];
process.stdout.write(`Redis ${version}, ${allocator}; ${ENTRIES} entries, ${PER_HASH} a hash\n`);
process.stdout.write('bytes an entry by used_memory (of those told by MEMORY USAGE), values of\n');
process.stdout.write(`${''.padEnd(24)}${VALUE_BYTES.map((n) => `${n} B`.padStart(14)).join('')}\n`);
for (const layout of layouts) {
  let line = layout.name.padEnd(24);
  for (const bytes of VALUE_BYTES) {
    const { used, told } = await measure(server, layout, bytes);
    line += `${used.toFixed(0)} (${told.toFixed(0)})`.padStart(14);
  }
  process.stdout.write(`${line}\n`);
}
