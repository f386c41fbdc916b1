import { compressorName } from '../codec/compression/compressors.js';
import type { LargeKey, MemoryPart, MemoryReport, MemoryShare } from './memory-report.js';
import type { SampledKey, ServerSample } from './sample-keys.js';

/** Bytes that MEMORY USAGE leaves out: a key's place in the table of keys, and in that of those that expire. */
const UNTOLD = { key: 22, expiry: 51 };

/** Adds up what was measured, and with the scale of its server what that stands for. */
class Sum {
  #keys = 0;
  #bytes = 0;
  #allKeys = 0;
  #allBytes = 0;

  add(bytes: number, scale: number): void {
    this.#keys++;
    this.#bytes += bytes;
    this.#allKeys += scale;
    this.#allBytes += bytes * scale;
  }

  share(): MemoryShare {
    return {
      sampled: { keys: this.#keys, bytes: this.#bytes },
      estimated: { keys: Math.round(this.#allKeys), bytes: Math.round(this.#allBytes) },
    };
  }

  part(): MemoryPart {
    return { sampledBytes: this.#bytes, estimatedBytes: Math.round(this.#allBytes) };
  }
}

/** One sum for each name that comes up. */
class Sums {
  readonly #sums = new Map<string, Sum>();

  of(name: string): Sum {
    let sum = this.#sums.get(name);
    if (!sum) this.#sums.set(name, (sum = new Sum()));
    return sum;
  }

  shares(): Record<string, MemoryShare> {
    return Object.fromEntries([...this.#sums].map(([name, sum]) => [name, sum.share()]));
  }
}

type SumsOfReport = Pick<
  MemoryReport,
  'total' | 'kinds' | 'namespaces' | 'codecs' | 'compressors' | 'parts' | 'expiring' | 'untold'
>;

/** @param codecNames - by id. */
export function sumUp(
  samples: readonly ServerSample[],
  codecNames: ReadonlyMap<number, string>,
): SumsOfReport {
  const [total, expiring, untold] = [new Sum(), new Sum(), new Sum()];
  const kinds = {
    value: new Sum(),
    lease: new Sum(),
    tag: new Sum(),
    shared: new Sum(),
    foreign: new Sum(),
  };
  const parts = { payloads: new Sum(), headers: new Sum(), keyNames: new Sum(), redis: new Sum() };
  const [namespaces, codecs, compressors] = [new Sums(), new Sums(), new Sums()];
  for (const { keys, scale } of samples) {
    for (const key of keys) {
      const { usage, ttl, kind } = key;
      total.add(usage, scale);
      kinds[kind].add(usage, scale);
      namespaces.of(key.namespace).add(usage, scale);
      if (ttl !== undefined) expiring.add(usage, scale);
      untold.add(UNTOLD.key + (ttl === undefined ? 0 : UNTOLD.expiry), scale);
      if (kind !== 'value') continue;
      codecs.of(codecNames.get(key.codec) ?? `codec ${key.codec}`).add(usage, scale);
      compressors.of(compressorName(key.compressor)).add(usage, scale);
      parts.payloads.add(key.valueBytes - key.headerBytes, scale);
      parts.headers.add(key.headerBytes, scale);
      parts.keyNames.add(key.keyBytes, scale);
      parts.redis.add(usage - key.valueBytes - key.keyBytes, scale);
    }
  }
  return {
    total: total.share(),
    kinds: {
      value: kinds.value.share(),
      lease: kinds.lease.share(),
      tag: kinds.tag.share(),
      shared: kinds.shared.share(),
      foreign: kinds.foreign.share(),
    },
    namespaces: namespaces.shares(),
    codecs: codecs.shares(),
    compressors: compressors.shares(),
    parts: {
      payloads: parts.payloads.part(),
      headers: parts.headers.part(),
      keyNames: parts.keyNames.part(),
      redis: parts.redis.part(),
    },
    expiring: expiring.share(),
    untold: untold.part(),
  };
}

/** The largest of those measured, the largest first. */
export function largestKeys(samples: readonly ServerSample[], count: number): LargeKey[] {
  return samples
    .flatMap(({ keys }) => keys)
    .sort((a, b) => b.usage - a.usage)
    .slice(0, count)
    .map(({ redisKey, namespace, kind, usage, ttl }: SampledKey) => ({
      redisKey: redisKey.toString(),
      namespace,
      kind,
      bytes: usage,
      ...(ttl !== undefined && { ttl }),
    }));
}
