import { expectValue, type Stage } from './stage.js';
import { NotOffered } from './subject.js';

/** Redis is as `begin` leaves it while the work is done, and well again after it. */
async function whileAway(stage: Stage, how: 'frozen' | 'dead', work: () => Promise<void>): Promise<void> {
  await (how === 'frozen' ? stage.redis.freeze() : stage.redis.kill());
  try {
    await work();
  } finally {
    await (how === 'frozen' ? stage.redis.thaw() : stage.redis.restart());
  }
}

/** However it settles. */
export async function settlesWhileFrozen(stage: Stage): Promise<void> {
  const cache = await stage.open();
  await whileAway(stage, 'frozen', async () => {
    for (const [name, work] of [
      ['getOrSet', () => cache.getOrSet('a', async () => 'v')],
      ['set', () => cache.set('b', 'v')],
      ['delete', () => cache.delete('c')],
    ] as const) {
      await stage.within(name, Promise.allSettled([work()]));
    }
  });
}

export const loadsWhile =
  (how: 'frozen' | 'dead') =>
  async (stage: Stage): Promise<void> => {
    const cache = await stage.open();
    await whileAway(stage, how, async () => {
      const value = await stage.within(
        'getOrSet',
        cache.getOrSet('away', async () => 'v'),
      );
      expectValue('getOrSet', value, 'v');
    });
  };

/** A call that says that it is done, and is not, is a lie. */
export const tellsTheTruth =
  (operation: 'set' | 'delete') =>
  async (stage: Stage): Promise<void> => {
    const cache = await stage.open();
    await cache.set('k', 'old');
    await whileAway(stage, 'dead', async () => {
      const work = operation === 'set' ? cache.set('k', 'new') : cache.delete('k');
      const [outcome] = await stage.within(operation, Promise.allSettled([work]), 3 * stage.patience);
      expectValue(`${operation} while Redis is dead`, outcome?.status, 'rejected');
    });
  };

/** Acknowledged, killed, come back: Redis alone knows of the write, and another process has it written. */
export async function writesBehind(stage: Stage): Promise<void> {
  const database = new Map<string, unknown>();
  let isAway = true;
  const toDatabase = async (id: string, value: unknown): Promise<void> => {
    if (isAway) throw new Error('the database is away');
    database.set(id, value);
  };
  const here = await stage.open();
  if (!here.writeBehind) throw new NotOffered('it does not write behind');
  const queue = here.writeBehind(toDatabase);
  await queue.write('1', 'a');
  await queue.write('1', 'b');
  await queue.write('2', 'c');
  await here.close();
  const there = await stage.open();
  there.writeBehind?.(toDatabase);
  isAway = false;
  await stage.eventually(
    'an acknowledged write is not in the database',
    stage.recovery,
    async () => database.get('1') === 'b' && database.get('2') === 'c',
  );
}
