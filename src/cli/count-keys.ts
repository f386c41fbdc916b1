import { escapeGlob } from '../redis/scan.js';
import type { RedisPort } from '../redis/port.js';
import type { Progress } from './output/progress.js';
import { isWithin, keyMeaning, type KeyMeaning } from './redis/key-meaning.js';
import { KeyScan } from './redis/key-scan.js';

/** The keys of one namespace. Where not all keys were gone over, these are estimates. */
interface NamespaceKeys {
  /** As it stands in Redis; undefined for keys whose names have none. */
  readonly namespace: string | undefined;
  readonly keys: number;
  readonly kinds: Readonly<Partial<Record<KeyMeaning['kind'], number>>>;
}

export interface KeyCounts {
  readonly namespaces: readonly NamespaceKeys[];
  /** Whether every key of every server was gone over. */
  readonly complete: boolean;
  readonly looked: number;
}

export interface CountBounds {
  /** Only this one and those within it; undefined for all. */
  readonly family: string | undefined;
  /** Over all servers. */
  readonly maxKeys: number;
  /** Milliseconds. */
  readonly time: number;
  readonly progress?: Progress;
}

/** Counts keys by namespace, by their names alone. @throws CacheError of the first step that failed. */
export async function countKeys(port: RedisPort, bounds: CountBounds): Promise<KeyCounts> {
  const { family, maxKeys, time, progress } = bounds;
  const until = performance.now() + time;
  const { servers } = port;
  const scans = servers.map(
    (server) =>
      new KeyScan(server, {
        pattern: family === undefined ? '*' : `*${escapeGlob(family)}:*`,
        maxKeys: Math.ceil(maxKeys / servers.length),
        until,
        ...(progress && { progress }),
      }),
  );
  const counts = new Map<string | undefined, Map<KeyMeaning['kind'], number>>();
  await Promise.all(
    scans.map(async (scan) => {
      const found = new Map<string | undefined, Map<KeyMeaning['kind'], number>>();
      for await (const page of scan.pages()) {
        for (const key of page) {
          const { namespace, kind } = keyMeaning(key.toString());
          if (family === undefined || isWithin(namespace, family)) add(found, namespace, kind, 1);
        }
      }
      for (const [namespace, kinds] of found) {
        for (const [kind, count] of kinds) add(counts, namespace, kind, count * scan.scale);
      }
    }),
  );
  const namespaces = [...counts].map(([namespace, kinds]): NamespaceKeys => {
    const rounded = [...kinds].map(([kind, count]) => [kind, Math.round(count)] as const);
    return {
      namespace,
      keys: rounded.reduce((sum, [, count]) => sum + count, 0),
      kinds: Object.fromEntries(rounded),
    };
  });
  return {
    namespaces: namespaces.sort((a, b) => b.keys - a.keys),
    complete: scans.every(({ complete }) => complete),
    looked: scans.reduce((sum, { looked }) => sum + looked, 0),
  };
}

function add<K>(
  counts: Map<string | undefined, Map<K, number>>,
  namespace: string | undefined,
  kind: K,
  n: number,
): void {
  let kinds = counts.get(namespace);
  if (!kinds) counts.set(namespace, (kinds = new Map()));
  kinds.set(kind, (kinds.get(kind) ?? 0) + n);
}
