import { setTimeout as pause } from 'node:timers/promises';
import { createCache, type CacheManager } from 'tiercel';
import { decodeReply, rawAddress, rawCommand } from '../servers/raw-redis.js';

export interface SoakOptions {
  readonly redisUrl: string;
  readonly seconds: number;
  /** A look at the process between two rounds. */
  readonly onSample?: (sample: Sample) => void;
}

/** What a leak would make grow. Taken after full garbage collections, with all caches of the cycles closed. */
interface Sample {
  readonly heapBytes: number;
  /** Sockets, timers and whatever else keeps the process alive. */
  readonly handles: number;
  /** Of the process, for all its events. */
  readonly listeners: number;
  /** Connections that Redis has. */
  readonly clients: number;
}

export interface SoakReport {
  readonly samples: readonly Sample[];
  readonly cycles: number;
  readonly calls: number;
  /** Bytes that the heap grew by in a round, from the least of the earlier half of the rounds to the least of the later. */
  readonly heapPerRound: number;
}

const CYCLES_A_ROUND = 25;
const CALLS_A_ROUND = 2000;
/** The code is compiled, and pools and shapes are made. */
const WARM_UP = 3;

/**
 * Opens and closes caches, with calls of each kind left under way, beside steady traffic on one that stays. What the process
 * holds is looked at after each round.
 */
export async function soak({ redisUrl, seconds, onSample }: SoakOptions): Promise<SoakReport> {
  const { gc } = globalThis;
  if (!gc) throw new Error('needs node --expose-gc');
  const steady = createCache({
    redis: redisUrl,
    namespace: 'steady',
    ttl: '2s',
    memory: { maxBytes: '1mb' },
  });
  await steady.ready();
  const samples: Sample[] = [];
  const until = performance.now() + seconds * 1000;
  let cycles = 0;
  let calls = 0;
  for (let round = 0; round < WARM_UP + 8 || performance.now() < until; round++) {
    for (let i = 0; i < CYCLES_A_ROUND; i++) await cycle(redisUrl, cycles++);
    calls += await traffic(steady, round);
    // What was ended takes a turn or two to be gone.
    await pause(20);
    gc();
    await pause(5);
    gc();
    if (round < WARM_UP) continue;
    const sample: Sample = {
      heapBytes: process.memoryUsage().heapUsed,
      handles: process.getActiveResourcesInfo().filter((name) => name !== 'Immediate').length,
      listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name as string), 0),
      clients: await connections(redisUrl),
    };
    samples.push(sample);
    onSample?.(sample);
  }
  await steady.close();
  return { samples, cycles, calls, heapPerRound: growth(samples) };
}

/** One life of a cache, which ends in the middle of things. */
async function cycle(redisUrl: string, number: number): Promise<void> {
  const cache = createCache({ redis: redisUrl, namespace: `cycle${number % 3}`, ttl: '1s' });
  const rows = cache.resource('row', {
    load: async (id: number) => ({ id }),
    save: async () => undefined,
    write: 'behind',
  });
  await Promise.all([
    ...Array.from({ length: 20 }, (_, id) => rows.get(id)),
    cache.set('k', number),
    rows.save(1, { id: 1 }),
    cache.getOrSet('tagged', async () => number, { tags: ['t'] }),
    cache.invalidateTags(['t']),
  ]);
  const late = cache.getOrSet('late', async () => pause(1)).catch(() => undefined);
  await cache.close();
  await late;
}

/** Hits, misses, changes and bulk reads of many keys that come and go. */
async function traffic(cache: CacheManager, round: number): Promise<number> {
  for (let i = 0; i < CALLS_A_ROUND; i += 50) {
    await Promise.all(
      Array.from({ length: 50 }, async (_, n) => {
        const key = `key:${(round * 997 + i + n) % 5000}`;
        await cache.getOrSet(key, async () => ({ key, text: 'x'.repeat(200) }), { tags: [`tag${n % 7}`] });
        if (n % 10 === 0) await cache.delete(key);
      }),
    );
    await cache.getMany(Array.from({ length: 20 }, (_, n) => `key:${n}`));
  }
  await cache.invalidateTags([`tag${round % 7}`]);
  return CALLS_A_ROUND;
}

async function connections(redisUrl: string): Promise<number> {
  const info = String(decodeReply(await rawCommand(rawAddress(redisUrl), ['INFO', 'clients'])));
  return Number(/^connected_clients:(\d+)/m.exec(info)?.[1]);
}

/** What a heap holds beside what it must is never less than nothing, so the least of many looks tells most. */
function growth(samples: readonly Sample[]): number {
  const half = Math.floor(samples.length / 2);
  const least = (some: readonly Sample[]): number => Math.min(...some.map(({ heapBytes }) => heapBytes));
  return (least(samples.slice(half)) - least(samples.slice(0, half))) / half;
}
