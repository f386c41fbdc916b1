import { ServerError, type CacheError } from '../errors.js';
import { escapeGlob } from '../redis/scan.js';
import type { RedisPort, Reply } from '../redis/port.js';
import { delay } from '../runtime/delay.js';
import type { Progress } from './output/progress.js';
import { isWithin, keyMeaning } from './redis/key-meaning.js';
import { askOfKeys, KeyScan, numberIn } from './redis/key-scan.js';
import { ServerInfo } from './redis/server-info.js';

/** How the hot keys of a server were found. */
type HotMethod = 'lfu' | 'idle-time';

/** One key that Redis is asked for much. */
export interface FoundHotKey {
  readonly redisKey: string;
  readonly server: string;
  /**
   * Of `lfu`: Redis's own counter, 0 to 255, logarithmic and falling with time. Of `idle-time`: in how many of the rounds the key had
   * been used within the last second.
   */
  readonly heat: number;
}

export interface HotKeysOf {
  readonly server: string;
  readonly method: HotMethod;
  /** Of `idle-time`: how often it was looked; 0 of `lfu`. */
  readonly rounds: number;
  readonly complete: boolean;
  readonly looked: number;
  readonly keys: readonly FoundHotKey[];
}

export interface HotBounds {
  readonly family: string | undefined;
  /** Of one server. */
  readonly maxKeys: number;
  /** Milliseconds for going over the keys. */
  readonly time: number;
  /** Looks at those that may be hot, a second apart, where Redis does not count. */
  readonly rounds: number;
  readonly limit: number;
  readonly progress?: Progress;
}

/** Keys that are looked at again and again where Redis does not count: those used last. */
const CANDIDATES = 1000;
/** Seconds; the clock that idle times are taken by goes in steps of one. */
const LATELY = 2;
const ROUND = 1000;

/**
 * The keys that one server is asked for most, without MONITOR, which would cost the server half of what it can do.
 *
 * Where the policy is LFU Redis counts the uses of each key itself. Elsewhere it only knows when each was last used: those used
 * lately are then looked at once a second, and a key that was used within the last second each time is a hot one.
 *
 * @throws CacheError of the first step that failed.
 */
export async function findHotKeys(server: RedisPort, bounds: HotBounds): Promise<HotKeysOf> {
  const { family, maxKeys, time, limit, progress } = bounds;
  const policy = (await ServerInfo.ask(server)).text('maxmemory_policy') ?? '';
  const method: HotMethod = policy.endsWith('-lfu') ? 'lfu' : 'idle-time';
  const until = performance.now() + time;
  const scan = new KeyScan(server, {
    pattern: family === undefined ? '*' : `*${escapeGlob(family)}:*`,
    maxKeys,
    until,
    ...(progress && { progress }),
  });
  const most = method === 'lfu' ? limit : CANDIDATES;
  const order =
    method === 'lfu' ? (a: Heat, b: Heat) => b.heat - a.heat : (a: Heat, b: Heat) => a.heat - b.heat;
  let found: Heat[] = [];
  for await (const page of scan.pages()) {
    const wanted = page.filter(
      (key) => family === undefined || isWithin(keyMeaning(key.toString()).namespace, family),
    );
    found.push(...(await heatOf(server, wanted, method, until)));
    found = found.sort(order).slice(0, most);
  }
  if (method === 'idle-time') {
    const lately = found.filter(({ heat }) => heat <= LATELY).map(({ key }) => key);
    found = await usedEachTime(server, lately, bounds.rounds);
  }
  const keys = found
    .filter(({ heat }) => heat > 0)
    .slice(0, limit)
    .map(({ key, heat }) => ({ redisKey: key.toString(), server: server.address, heat }));
  const { complete, looked } = scan;
  return {
    server: server.address,
    method,
    rounds: method === 'lfu' ? 0 : bounds.rounds,
    complete,
    looked,
    keys,
  };
}

interface Heat {
  readonly key: Buffer;
  readonly heat: number;
}

/** OBJECT does not count as a use, so that looking makes no key hot. */
async function heatOf(
  server: RedisPort,
  keys: readonly Buffer[],
  method: HotMethod,
  until?: number,
): Promise<Heat[]> {
  const about = ['OBJECT', method === 'lfu' ? 'FREQ' : 'IDLETIME'];
  const answers = await askOfKeys(server, keys, [about], until);
  return answers.flatMap(([reply], i): Heat[] => {
    const heat = numberUnlessGone(reply);
    const key = keys[i];
    return heat === undefined || key === undefined ? [] : [{ key, heat }];
  });
}

/** Some servers answer for a key that is gone with an error. */
function numberUnlessGone(reply: Reply | CacheError | undefined): number | undefined {
  if (reply instanceof ServerError && /no such key/i.test(reply.message)) return undefined;
  return numberIn(reply);
}

async function usedEachTime(server: RedisPort, keys: readonly Buffer[], rounds: number): Promise<Heat[]> {
  const uses = new Map<Buffer, number>(keys.map((key) => [key, 0]));
  for (let round = 0; round < rounds && keys.length > 0; round++) {
    if (round > 0) await delay(ROUND).passed;
    for (const { key, heat: idle } of await heatOf(server, keys, 'idle-time')) {
      if (idle < 1) uses.set(key, (uses.get(key) ?? 0) + 1);
    }
  }
  return [...uses].map(([key, heat]) => ({ key, heat })).sort((a, b) => b.heat - a.heat);
}
