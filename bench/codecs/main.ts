/**
 * What values take in Redis and how long they take to be stored and read, for each codec and each way to compress, beside bare
 * JSON and beside what each peer stores.
 *
 *     npm run bench:codecs                    # everything, about two minutes
 *     npm run bench:codecs -- profile         # one kind of value: profile, posts, records
 *
 * Bytes are what the server says of 100 keys of equal length (`MEMORY USAGE`), through a whole cache. Times are CPU time of the
 * whole entry, header and checksum included: medians over rounds in which every way has its turn.
 */
import { cpus } from 'node:os';
import { startRedis, type RedisServer } from '../../servers/redis.js';
import { CACHES } from '../contenders/index.js';
import {
  bytesOf,
  bytesOfJson,
  bytesOfPeer,
  namespaceOf,
  time,
  timedOf,
  timedOfJson,
  type Figures,
  type Timed,
} from './measure.js';
import { kinds, type Kind } from './values.js';
import { waysFor } from './ways.js';

const ROUNDS = 7;
const PEERS = CACHES.filter((id) => id !== 'tiercel');

interface Row {
  readonly codec: string;
  readonly compression: string;
  readonly figures: Figures;
  readonly timed?: Timed & { close?: () => Promise<void> };
}

function print(text = ''): void {
  process.stdout.write(`${text}\n`);
}

function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0;
}

async function measureTimes(rows: readonly Row[]): Promise<void> {
  const times = new Map(rows.map((row) => [row, { encode: [] as number[], decode: [] as number[] }]));
  for (let round = 0; round <= ROUNDS; round++) {
    for (const row of rows) {
      const { timed } = row;
      if (!timed) continue;
      const { encode, decode, values, bytes } = timed;
      const took = times.get(row);
      const encoded = await time((i) => encode(values[i % values.length]));
      const decoded = await time((i) => decode(bytes[i % bytes.length] as Buffer));
      if (round === 0) continue; // for the compiler
      took?.encode.push(encoded);
      took?.decode.push(decoded);
    }
  }
  for (const [{ figures }, { encode, decode }] of times) {
    if (encode.length === 0) continue;
    figures.encode = median(encode);
    figures.decode = median(decode);
  }
}

async function rowsOf(server: RedisServer, kind: Kind): Promise<Row[]> {
  let namespaces = 0;
  const json = await bytesOfJson(server, namespaceOf(namespaces++), kind);
  const rows: Row[] = [{ codec: 'bare JSON', compression: 'none', figures: json, timed: timedOfJson(kind) }];
  for (const way of waysFor(kind)) {
    const namespace = namespaceOf(namespaces++);
    const figures = await bytesOf(server, namespace, way);
    const timed = await timedOf(server, namespace, way);
    rows.push({ codec: way.codec, compression: way.compression, figures, timed });
  }
  for (const id of PEERS) {
    const figures = await bytesOfPeer(server, id, namespaceOf(namespaces++), kind);
    rows.push({ codec: id, compression: 'as it comes', figures });
  }
  return rows;
}

function printRows(kind: Kind, rows: readonly Row[]): void {
  const json = rows[0]?.figures;
  if (!json) return;
  print();
  print(`== ${kind.name}`);
  const cells = rows.map(({ codec, compression, figures }) => [
    codec,
    compression,
    figures.stored.toFixed(0),
    figures.usage.toFixed(0),
    (figures.usage / json.usage).toFixed(2),
    figures.encode?.toFixed(1) ?? '',
    figures.decode?.toFixed(1) ?? '',
  ]);
  const titles = ['codec', 'compression', 'stored', 'in Redis', 'of JSON', 'us in', 'us out'];
  const widths = titles.map((title, i) => Math.max(title.length, ...cells.map((row) => row[i]?.length ?? 0)));
  for (const row of [titles, ...cells]) {
    print(
      row.map((cell, i) => (i < 2 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  '),
    );
  }
}

const wanted = process.argv[2];
await using server = await startRedis();
print(`node ${process.version}, ${cpus()[0]?.model}, ${cpus().length} cores; ${ROUNDS} rounds, medians`);
for (const kind of kinds()) {
  if (wanted !== undefined && !kind.name.includes(wanted)) continue;
  const rows = await rowsOf(server, kind);
  await measureTimes(rows);
  printRows(kind, rows);
  for (const { timed } of rows) await timed?.close?.();
  await server.cli('FLUSHALL');
}
