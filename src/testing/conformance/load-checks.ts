import { expectValue, type Stage } from './stage.js';

const CALLERS = 50;

/** A load that ends when it is told to, and counts itself. */
class Loads {
  begun = 0;
  readonly #waiting: Array<() => void> = [];
  #isOpen = false;

  readonly load = async (value: unknown): Promise<unknown> => {
    this.begun++;
    if (!this.#isOpen) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return value;
  };

  finish(): void {
    this.#isOpen = true;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** Long enough for whoever would load as well to have begun. */
const settle = (stage: Stage): Promise<unknown> =>
  new Promise((resolve) => setTimeout(resolve, stage.hop / 2));

export async function oneLoadInOneProcess(stage: Stage): Promise<void> {
  const cache = await stage.open();
  const loads = new Loads();
  const asked = Array.from({ length: CALLERS }, () => cache.getOrSet('one', () => loads.load('v')));
  await settle(stage);
  loads.finish();
  for (const value of await stage.within('getOrSet', Promise.all(asked))) expectValue('getOrSet', value, 'v');
  expectValue('loads', loads.begun, 1);
}

export async function oneLoadOverProcesses(stage: Stage): Promise<void> {
  const caches = await Promise.all([stage.open(), stage.open()]);
  const loads = new Loads();
  const asked = caches.flatMap((cache) =>
    Array.from({ length: CALLERS / 2 }, () => cache.getOrSet('all', () => loads.load('v'))),
  );
  await settle(stage);
  loads.finish();
  await stage.within('getOrSet', Promise.all(asked));
  expectValue('loads', loads.begun, 1);
}

export async function oneFailingLoad(stage: Stage): Promise<void> {
  const cache = await stage.open();
  let begun = 0;
  const load = async (): Promise<unknown> => {
    begun++;
    await settle(stage);
    throw new Error('the database is away');
  };
  const asked = Array.from({ length: CALLERS }, () => cache.getOrSet('bad', load));
  for (const outcome of await stage.within('getOrSet', Promise.allSettled(asked), 10 * stage.hop)) {
    expectValue('getOrSet of a failing load', outcome.status, 'rejected');
  }
  expectValue('loads', begun, 1);
  expectValue(
    'the next load',
    await stage.within(
      'getOrSet',
      cache.getOrSet('bad', async () => 'v'),
    ),
    'v',
  );
}

export const invalidatedHere =
  (how: 'delete' | 'set') =>
  async (stage: Stage): Promise<void> => {
    const cache = await stage.open();
    const loads = new Loads();
    const old = cache.getOrSet('row', () => loads.load('old'));
    await stage.eventually('the load has not begun', stage.patience, async () => loads.begun === 1);
    await (how === 'delete' ? cache.delete('row') : cache.set('row', 'new'));
    loads.finish();
    await stage.within('getOrSet', old);
    const seen = await stage.within(
      'getOrSet',
      cache.getOrSet('row', async () => 'new'),
    );
    expectValue(`getOrSet after ${how}`, seen, 'new');
  };

/** A load that read the old row is under way, another instance invalidates it, and the load comes back. */
export async function invalidatedElsewhere(stage: Stage): Promise<void> {
  const [here, there] = [await stage.open(), await stage.open()];
  const loads = new Loads();
  const old = here.getOrSet('row', () => loads.load('old'));
  await stage.eventually('the load has not begun', stage.patience, async () => loads.begun === 1);
  await there.delete('row');
  // The news may take a hop.
  await new Promise((resolve) => setTimeout(resolve, stage.hop));
  loads.finish();
  await stage.within('getOrSet', old);
  for (const cache of [here, there]) {
    const seen = await stage.within(
      'getOrSet',
      cache.getOrSet('row', async () => 'new'),
    );
    expectValue('getOrSet after the invalidation', seen, 'new');
  }
}
