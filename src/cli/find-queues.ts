import type { RedisPort } from '../redis/port.js';
import { escapeGlob } from '../redis/scan.js';
import type { Progress } from './output/progress.js';
import { KeyScan } from './redis/key-scan.js';

/** A queue of writes to the database, as its keys in Redis tell of it. */
export interface FoundQueue {
  /** As it stands in Redis; empty for that of bare keys. */
  readonly namespace: string;
  /** The resource's. */
  readonly name: string;
  readonly partitions: number;
}

export interface FoundQueues {
  readonly queues: readonly FoundQueue[];
  /** Whether every key was gone over. */
  readonly complete: boolean;
}

export interface QueueBounds {
  readonly family: string | undefined;
  /** Of each server. */
  readonly maxKeys: number;
  /** Milliseconds. */
  readonly time: number;
  readonly progress?: Progress;
}

/** A key of one partition, such as `{shop:%behind::orders:0}meta`; meta stays for as long as the queue was ever used. */
const PARTITION =
  /^\{(?:([^}]*):)?%behind::(.+):(\d{1,4})\}(?:pending|ready|waiting|owner|meta|dead|dead-ids)$/s;

/** @throws CacheError of the first step that failed. */
export async function findQueues(
  port: RedisPort,
  { family, maxKeys, time, progress }: QueueBounds,
): Promise<FoundQueues> {
  const until = performance.now() + time;
  const pattern = family === undefined ? '{*%behind::*}*' : `{${escapeGlob(family)}:*%behind::*}*`;
  const partitions = new Map<string, FoundQueue>();
  const scans = port.servers.map(
    (server) => new KeyScan(server, { pattern, maxKeys, until, ...(progress && { progress }) }),
  );
  await Promise.all(
    scans.map(async (scan) => {
      for await (const page of scan.pages()) {
        for (const key of page) noteQueue(partitions, key.toString());
      }
    }),
  );
  const queues = [...partitions.values()].sort((a, b) => order(a).localeCompare(order(b)));
  return { queues, complete: scans.every(({ complete }) => complete) };
}

function noteQueue(found: Map<string, FoundQueue>, redisKey: string): void {
  const [, namespace = '', name, partition] = PARTITION.exec(redisKey) ?? [];
  if (name === undefined) return;
  const id = `${namespace}::${name}`;
  const partitions = Math.max(found.get(id)?.partitions ?? 0, Number(partition) + 1);
  found.set(id, { namespace, name, partitions });
}

function order({ namespace, name }: FoundQueue): string {
  return `${namespace}::${name}`;
}

/** For messages. */
export function queueText({ namespace, name }: Pick<FoundQueue, 'namespace' | 'name'>): string {
  return namespace === '' ? `'${name}'` : `'${name}' of ${namespace}`;
}
