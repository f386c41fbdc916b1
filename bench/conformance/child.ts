/** A process of one contender, with a Redis of its own: runs one check, so that what it leaves behind spoils no other. */
import { conformance, NotOffered } from 'tiercel/testing';
import { startRedis } from '../../servers/redis.js';
import type { ConformanceMessage } from './outcome.js';
import { LAYERS } from './page.js';
import { CACHES, importContender } from '../contenders/index.js';

const TTL_MS = 60_000;

const [, , wanted = '', chosen = '0'] = process.argv;
const id = CACHES.find((each) => each === wanted);
if (id === undefined) throw new Error(`there is no contender ${wanted}`);
const contender = await importContender(id);
const layers = LAYERS.find((each) => contender.configured[each] !== undefined);
if (layers === undefined) throw new Error(`${id} has no Redis`);

function tell(message: ConformanceMessage): void {
  process.send?.(message);
}

let usesTags = false;
const redis = await startRedis({ appendonly: true });
const PREFIX = 'conformance';
const { setup, redisKey } = contender;
const checks = conformance({
  redis,
  async open(redisUrl) {
    const cache = await setup({
      redisUrl,
      prefix: PREFIX,
      ttlMs: TTL_MS,
      layers,
      memoryEntries: 10_000,
      usesTags,
      memoryBytes: undefined,
      resourceUrl: undefined,
    });
    return {
      getOrSet: cache.getOrSet,
      set: (key, value) => cache.set(key, value, TTL_MS),
      delete: cache.delete,
      close: cache.close,
      ...(cache.tags && { tags: cache.tags }),
      ...(cache.writeBehind && { writeBehind: cache.writeBehind }),
    };
  },
  ...(redisKey && { redisKey: (key: string) => redisKey(PREFIX, key) }),
});
for (const [index, { promise, name, run }] of [...checks].entries()) {
  if (index !== Number(chosen)) continue;
  // What it costs where nobody asks for it is nothing that the other checks are about.
  usesTags = /\btag\b/.test(name);
  tell({ began: index, promise, name });
  try {
    await run();
    tell({ index, promise, name, result: 'kept' });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    tell({ index, promise, name, result: error instanceof NotOffered ? 'not offered' : 'broken', why });
  }
}
tell({ done: true });
await redis.stop();
process.exit();
