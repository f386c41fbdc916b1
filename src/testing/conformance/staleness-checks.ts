import { FaultProxy } from '../fault-proxy.js';
import { expectValue, type Stage } from './stage.js';
import { NotOffered, type ConformanceCache } from './subject.js';

const read = (stage: Stage, cache: ConformanceCache, key: string, row: () => unknown): Promise<unknown> =>
  stage.within(
    'getOrSet',
    cache.getOrSet(key, async () => row()),
  );

/** Two instances that both have a copy of the row. */
async function twoCopies(stage: Stage, url?: string): Promise<[ConformanceCache, ConformanceCache]> {
  const [here, there] = [await stage.open(url), await stage.open()];
  for (const cache of [here, there, here, there]) await read(stage, cache, 'row', () => 'old');
  return [here, there];
}

export async function changedElsewhere(stage: Stage): Promise<void> {
  const [here, there] = await twoCopies(stage);
  await there.delete('row');
  await stage.eventually(
    'the old value is served in another instance',
    stage.hop,
    async () => (await read(stage, here, 'row', () => 'new')) === 'new',
  );
}

export async function changedFromOutside(stage: Stage): Promise<void> {
  const redisKey = stage.redisKey('row');
  if (redisKey === undefined) throw new NotOffered('which key of Redis it is cannot be told');
  const [here] = await twoCopies(stage);
  await stage.redis.cli('DEL', redisKey);
  await stage.eventually(
    'the old value is served after redis-cli DEL',
    stage.hop,
    async () => (await read(stage, here, 'row', () => 'new')) === 'new',
  );
}

/** All its connections are cut, the row is changed meanwhile, and they come back. */
export async function changedWhileCutOff(stage: Stage): Promise<void> {
  await using proxy = await FaultProxy.to(Number(new URL(stage.redis.url).port));
  const [here, there] = await twoCopies(stage, proxy.url);
  proxy.cut();
  await there.delete('row');
  await new Promise((resolve) => setTimeout(resolve, 100));
  proxy.heal();
  await stage.eventually(
    'the old value is served after the connection came back',
    stage.recovery,
    async () => (await read(stage, here, 'row', () => 'new')) === 'new',
  );
}

/** Nobody tells it that its connections are dead. */
export async function changedUnheard(stage: Stage): Promise<void> {
  await using proxy = await FaultProxy.to(Number(new URL(stage.redis.url).port));
  const [here, there] = await twoCopies(stage, proxy.url);
  proxy.blackHole();
  await there.delete('row');
  await stage.eventually(
    'the old value is served though its connections are dead',
    stage.recovery,
    async () => (await read(stage, here, 'row', () => 'new')) === 'new',
  );
}

export async function tagInvalidatedElsewhere(stage: Stage): Promise<void> {
  const [here, there] = [await stage.open(), await stage.open()];
  if (!here.tags || !there.tags) throw new NotOffered('it has no tags');
  const { tags } = here;
  const ask = (row: string): Promise<unknown> =>
    stage.within(
      'getOrSet',
      tags.getOrSet('tagged', 'team', async () => row),
    );
  for (let i = 0; i < 3; i++) await ask('old');
  await there.tags.invalidate('team');
  await stage.eventually('the old value is served', stage.hop, async () => (await ask('new')) === 'new');
}

/** The invalidation cannot reach Redis: this instance believes it at once, and others as soon as Redis is back. */
export async function invalidatedWhileDown(stage: Stage): Promise<void> {
  const here = await stage.open();
  await read(stage, here, 'row', () => 'old');
  await read(stage, here, 'row', () => 'old');
  await stage.redis.kill();
  try {
    await stage.within('delete', here.delete('row')).catch(() => undefined);
    expectValue('getOrSet while Redis is down', await read(stage, here, 'row', () => 'new'), 'new');
  } finally {
    await stage.redis.restart();
  }
  const there = await stage.open();
  await stage.eventually('the old value is back with Redis', stage.recovery, async () => {
    const seen = await Promise.all([here, there].map((cache) => read(stage, cache, 'row', () => 'new')));
    return seen.every((value) => value === 'new');
  });
  // What was read at first may have been before it was told.
  await new Promise((resolve) => setTimeout(resolve, stage.hop));
  expectValue('getOrSet in another instance', await read(stage, there, 'row', () => 'new'), 'new');
}
