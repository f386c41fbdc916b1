import type { KeySpace } from '../client/key-space.js';
import type { Serializer } from '../codec/serializer.js';
import { parseDuration } from '../duration.js';
import { ConnectionError } from '../errors.js';
import type { RedisPort } from '../redis/port.js';
import { positiveInteger, rejectUnknownOptions } from '../validate.js';
import { fitAllocator } from './allocator.js';
import { compareStorage } from './compare-storage.js';
import type { MemoryReport, MemoryReportOptions } from './memory-report.js';
import { sampleServer } from './sample-keys.js';
import { storageForms } from './storage-forms.js';
import { largestKeys, sumUp } from './sum-up.js';

const OPTIONS = ['maxKeys', 'timeout', 'compare', 'codecs', 'largest', 'onProgress'];

/**
 * Measures what a namespace takes in Redis. Bounded in keys and in time; it never uses KEYS. Each step has the deadline of a
 * command.
 *
 * The keys measured count as read: in the table of keys that the server tells changes of, and for LRU and LFU.
 *
 * @throws InvalidOptionError; CacheError of the first command that failed.
 */
export async function reportMemory(
  port: RedisPort,
  keySpace: KeySpace,
  serializer: Serializer,
  options: MemoryReportOptions,
): Promise<MemoryReport> {
  rejectUnknownOptions(options, OPTIONS, 'memory');
  const maxKeys = positiveInteger(options.maxKeys ?? 10_000, 'maxKeys');
  const compare = positiveInteger(options.compare ?? 200, 'compare', { min: 0 });
  const largest = positiveInteger(options.largest ?? 10, 'largest', { min: 0 });
  const timeout = parseDuration(options.timeout ?? 10_000, 'timeout');
  const takenAt = Date.now();
  const began = performance.now();
  const { servers } = port;
  // Nothing asked is not nothing found.
  if (servers.length === 0) throw new ConnectionError('no server is known yet', { sent: false });
  const bounds = { maxKeys: Math.ceil(maxKeys / servers.length), until: began + timeout };
  const shares = servers.map(() => 0);
  const samples = await Promise.all(
    servers.map((server, i) =>
      sampleServer(server, keySpace, bounds, (share) => {
        shares[i] = share;
        options.onProgress?.(shares.reduce((sum, each) => sum + each, 0) / shares.length);
      }),
    ),
  );
  const keys = samples.flatMap((sample) => sample.keys.map((key) => ({ key, server: sample.server })));
  const strings = keys.map(({ key }) => key).filter(({ kind }) => kind !== 'foreign');
  const allocator = fitAllocator(strings);
  const codecs = [...serializer.codecs, ...(options.codecs ?? [])];
  const alternatives =
    compare === 0 ? [] : await compareStorage(keys, compare, storageForms(codecs), serializer, allocator);
  const stoppedBy = samples.find((sample) => sample.stoppedBy)?.stoppedBy;
  return {
    takenAt,
    took: performance.now() - began,
    namespace: keySpace.familyPrefix.slice(0, -1),
    servers: servers.length,
    complete: samples.every(({ complete }) => complete),
    ...(stoppedBy && { stoppedBy }),
    databaseKeys: samples.reduce((sum, sample) => sum + sample.databaseKeys, 0),
    ...sumUp(samples, new Map(codecs.map(({ id, name }) => [id, name]))),
    largest: largestKeys(samples, largest),
    alternatives,
    allocator: { name: allocator.name, meanError: allocator.meanError },
  };
}
