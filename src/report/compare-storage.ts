import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Serializer } from '../codec/serializer.js';
import { CacheError } from '../errors.js';
import type { RedisPort } from '../redis/port.js';
import type { AllocatorModel } from './allocator.js';
import type { StorageAlternative } from './memory-report.js';
import type { SampledKey } from './sample-keys.js';
import type { StorageForm } from './storage-forms.js';

/** Larger values are left out: they would hold up the event loop. */
const LARGEST_VALUE = 1024 * 1024;
/** What one pipeline may bring. */
const BYTES_PER_PIPELINE = 4 * 1024 * 1024;
/** The first run of code is slower than the next: each value is stored this often, and the fastest counts. */
const RUNS = 3;

interface Totals {
  values: number;
  refused: number;
  bytesNow: number;
  bytes: number;
  payloadBytes: number;
  encodeMs: number;
  decodeMs: number;
}

/** Stores the values in each form, on paper. Values that are gone by now, or that this process cannot read, are left out. */
export async function compareStorage(
  candidates: ReadonlyArray<{ readonly server: RedisPort; readonly key: SampledKey }>,
  most: number,
  forms: readonly StorageForm[],
  serializer: Serializer,
  allocator: AllocatorModel,
): Promise<StorageAlternative[]> {
  const totals = forms.map((): Totals => ({
    values: 0,
    refused: 0,
    bytesNow: 0,
    bytes: 0,
    payloadBytes: 0,
    encodeMs: 0,
    decodeMs: 0,
  }));
  const chosen = candidates
    .filter(({ key }) => key.kind === 'value' && key.valueBytes <= LARGEST_VALUE)
    .slice(0, most);
  for (const pipeline of pipelines(chosen)) {
    const replies = await Promise.all(pipeline.map(({ server, key }) => read(server, key.redisKey)));
    for (const [i, { key }] of pipeline.entries()) {
      const bytes = replies[i];
      // Written again since it was measured: what it takes now is not known.
      if (bytes?.length !== key.valueBytes) continue;
      const begun = serializer.decode(bytes);
      const decoded = begun.ok || begun.reason !== 'unfinished' ? begun : await serializer.finish(bytes);
      if (!decoded.ok) continue;
      for (const [n, form] of forms.entries()) {
        await store(decoded.value, key, form, totals[n] as Totals, allocator);
      }
      await nextTurn();
    }
  }
  return forms.map((form, n) => toAlternative(form, totals[n] as Totals)).sort((a, b) => a.ratio - b.ratio);
}

async function store(
  value: unknown,
  key: SampledKey,
  form: StorageForm,
  totals: Totals,
  allocator: AllocatorModel,
): Promise<void> {
  let encodeMs = Infinity;
  let decodeMs = Infinity;
  let length = 0;
  try {
    for (let run = 0; run < RUNS; run++) {
      const began = performance.now();
      const made = form.encode(value);
      const payload = made instanceof Uint8Array ? made : await made;
      const encoded = performance.now();
      const back = form.decode(payload);
      if (back instanceof Promise) await back;
      const decoded = performance.now();
      length = payload.length;
      encodeMs = Math.min(encodeMs, encoded - began);
      decodeMs = Math.min(decodeMs, decoded - encoded);
    }
  } catch {
    totals.refused++;
    return;
  }
  totals.values++;
  totals.bytesNow += key.usage;
  totals.bytes += allocator.usageWith(key, key.headerBytes - key.headIdBytes + length);
  totals.payloadBytes += length;
  totals.encodeMs += encodeMs;
  totals.decodeMs += decodeMs;
}

function* pipelines<T extends { readonly key: SampledKey }>(keys: readonly T[]): Generator<T[]> {
  let pipeline: T[] = [];
  let bytes = 0;
  for (const each of keys) {
    if (pipeline.length > 0 && bytes + each.key.valueBytes > BYTES_PER_PIPELINE) {
      yield pipeline;
      pipeline = [];
      bytes = 0;
    }
    pipeline.push(each);
    bytes += each.key.valueBytes;
  }
  if (pipeline.length > 0) yield pipeline;
}

/** The keys may be bytes that are no text, which `get` would not find. */
async function read(server: RedisPort, redisKey: Buffer): Promise<Buffer | undefined> {
  const [reply] = await server.sendAll([{ key: redisKey.toString(), args: ['GET', redisKey] }]);
  if (reply instanceof CacheError) throw reply;
  return Buffer.isBuffer(reply) ? reply : undefined;
}

function toAlternative(
  { codec, compressor }: StorageForm,
  { values, refused, bytesNow, bytes, payloadBytes, encodeMs, decodeMs }: Totals,
): StorageAlternative {
  const micros = (ms: number): number => (values === 0 ? 0 : (1000 * ms) / values);
  return {
    codec,
    compressor,
    values,
    refused,
    bytesNow,
    bytes,
    ratio: bytesNow === 0 ? 1 : bytes / bytesNow,
    payloadBytes,
    encodeMicros: micros(encodeMs),
    decodeMicros: micros(decodeMs),
  };
}
