/**
 * One process of the fleet: reads and writes things at random until it is told otherwise, or killed. Run by `Fleet`, which gives it
 * its order as the first argument.
 */
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { createCache } from 'tiercel';
import { seededRandom } from 'tiercel/testing';
import { KINDS, type Kind } from '../history.js';
import { WorkerLog } from './log.js';
import type { WorkerAnswer, WorkerCommand, WorkerOrder } from './order.js';
import { skewClock } from './skew-clock.js';
import { groupOf, Things } from './things.js';
import { watchSelf } from './watch-self.js';

/** Writes of an id in one life of its worker are fewer. */
const WRITES_A_LIFE = 1_000_000;

/** Things that are loaded ahead are to live until they expire. */
const SHARE_OF_WRITES: Readonly<Record<Kind, number>> = {
  aside: 0.08,
  around: 0.08,
  through: 0.08,
  behind: 0.08,
  tagged: 0.08,
  ahead: 0.01,
};

const order = JSON.parse(process.argv[2] ?? '{}') as WorkerOrder;
skewClock(order.clockSkew);
const random = seededRandom(order.seed);
const pool = new pg.Pool({ connectionString: order.postgresUrl, max: 6 });
pool.on('error', () => undefined);
const log = new WorkerLog(order.log, order);
const { ttl, lease, maxStaleWhenDisconnected, maxBytes } = order;
const cache = createCache({
  redis: order.redis,
  namespace: 'chaos',
  memory: { maxBytes },
  ttl,
  lease,
  maxStaleWhenDisconnected,
});
const things = new Things(cache, pool, log, random, order.aheadTtl);

let writes = 0;
let isWriting = true;
const running = new AbortController();
/** Things written behind that this worker has no write of under way for. */
const free = new Set(
  Array.from({ length: order.things }, (_, id) => id).filter((id) => id % order.workers === order.worker),
);

const token = (): string => `${order.worker}.${order.life}.${writes++}`;
const below = (bound: number): number => Math.floor(random() * bound);

/** Resolves with a thing that was written. */
async function write(kind: Kind): Promise<number | undefined> {
  const id = below(order.things);
  if (kind === 'aside' || kind === 'ahead') await things.writeAside(kind, id, token());
  else if (kind === 'around' || kind === 'through') await things.save(kind, id, token());
  else if (kind === 'tagged') {
    const all = Array.from({ length: order.things }, (_, each) => each);
    await things.writeGroup(
      all.filter((each) => groupOf(each) === groupOf(id)),
      token(),
    );
  } else {
    const [own] = [...free].slice(below(free.size));
    if (own === undefined) return undefined;
    free.delete(own);
    const version = order.life * WRITES_A_LIFE + writes + 1;
    await things.saveBehind(own, { token: token(), version });
    free.add(own);
    return own;
  }
  return id;
}

async function caller(): Promise<void> {
  while (!running.signal.aborted) {
    const kind = KINDS[below(KINDS.length)] ?? 'aside';
    const written = isWriting && random() < SHARE_OF_WRITES[kind] ? await write(kind) : undefined;
    // A process knows its own writes at once, so it is asked at once.
    await things.read(kind, written ?? below(order.things));
    await pause(2 + random() * 12);
  }
}

function answer(what: WorkerAnswer): void {
  process.send?.(what);
}

async function obey(command: WorkerCommand): Promise<void> {
  if (command === 'settle') {
    isWriting = false;
    await things.flush().catch(() => undefined);
  } else if (command === 'sweep') {
    running.abort();
    await callers;
    for (const kind of KINDS) {
      await Promise.all(Array.from({ length: order.things }, (_, id) => things.read(kind, id)));
    }
  } else {
    log.flush();
    await cache.close();
    await pool.end();
  }
  log.flush();
  answer(command);
  if (command === 'end') process.disconnect();
}

process.on('message', (command: WorkerCommand) => void obey(command));
process.on('disconnect', () => process.exit());
await cache.ready().catch(() => undefined);
watchSelf(cache, log);
const callers = Promise.all(Array.from({ length: order.callers }, caller));
answer('ready');
