import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { KeySpace } from '../../src/client/key-space.js';
import { TagTable } from '../../src/layers/tag-table.js';
import { openPort } from '../../src/redis/open-port.js';
import type { Command, RedisPort } from '../../src/redis/port.js';
import { eventually } from '../support/eventually.js';
import { redisCli } from '../support/redis-cli.js';
import { sharedRedisUrl, startRedis, uniquePrefix } from '../support/redis.js';

const RETENTION = 60_000;
const url = sharedRedisUrl();
const cli = redisCli(url);

/** The server's clock, and surely later than anything that was stamped before. */
async function later(): Promise<number> {
  const before = await serverTime();
  return eventually('the clock goes on', async () => {
    const now = await serverTime();
    return now > before && now;
  });
}

async function serverTime(): Promise<number> {
  const [seconds, micros] = (await cli.text('TIME')) as [string, string];
  return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
}

let port: RedisPort;
let keys: KeySpace;

beforeAll(async () => {
  // A machine that is busy must not look like a table that is wrong.
  port = openPort({ url, commandTimeout: '5s' });
  await port.connect();
});
afterAll(() => port.close());
beforeEach(() => {
  keys = KeySpace.of(uniquePrefix());
});

const table = (over: RedisPort = port, retention = RETENTION) =>
  new TagTable({ port: over, keys, retention, remember: false });

/** A namespace in use: its floor stands, and is in the past. */
async function warmTable(over: RedisPort = port, retention = RETENTION): Promise<TagTable> {
  const warm = table(over, retention);
  await warm.warm();
  await later();
  return warm;
}

const evict = (...redisKeys: string[]) => cli.text('DEL', ...redisKeys);
const standing = async (tag: string) => String(await cli.text('GET', keys.tagKey(tag)));

/** The port, with something happening before each command that matches is sent. */
function overtaking(matches: (command: Command) => boolean, happen: () => Promise<unknown>): RedisPort {
  const send: RedisPort['send'] = async (command, deadline) => {
    if (matches(command)) await happen();
    return port.send(command, deadline);
  };
  const sendAll: RedisPort['sendAll'] = async (commands, deadline) => {
    if (commands.some(matches)) await happen();
    return port.sendAll(commands, deadline);
  };
  return new Proxy(port, {
    get(target, name) {
      if (name === 'send') return send;
      if (name === 'sendAll') return sendAll;
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

/** A table over a connection of its own that is told of changes. */
async function tracked() {
  const own = openPort(url, { tracking: { of: 'reads' } });
  await own.connect();
  const tags = new TagTable({ port: own, keys, retention: RETENTION, remember: true });
  own.onInvalidate((key) => tags.onInvalidated(key));
  return { tags, [Symbol.asyncDispose]: () => own.close() };
}

const told = (tags: TagTable, createdAt: number) =>
  eventually('the change is told', () => tags.check(['a'], createdAt) === 'unknown');

describe('tags in Redis', () => {
  it('make entries stale that were loaded before an invalidation, and no others', async () => {
    const tags = await warmTable();
    const old = await later();
    expect(await tags.prepareFill(['a', 'b'], old)).toBe(true);
    expect(await tags.resolve(['a', 'b'], old)).toBe('valid');
    await tags.invalidate(['b', 'never used']);
    expect(await tags.resolve(['a', 'b'], old)).toBe('stale');
    expect(await tags.resolve(['a'], old)).toBe('valid');
    expect(await tags.prepareFill(['a', 'b'], old)).toBe(false);
    const fresh = await later();
    expect(await tags.prepareFill(['a', 'b'], fresh)).toBe(true);
    expect(await tags.resolve(['a', 'b'], fresh)).toBe('valid');
    expect(await tags.resolve(['a', 'b'], old)).toBe('stale');
  });

  it('are those of one namespace only', async () => {
    const tags = await warmTable();
    const inner = new TagTable({ port, keys: keys.within('tag'), retention: RETENTION, remember: false });
    await inner.warm();
    const createdAt = await later();
    expect(await tags.prepareFill(['a'], createdAt)).toBe(true);
    expect(await inner.prepareFill(['a'], createdAt)).toBe(true);
    await tags.invalidate(['a']);
    expect(await tags.resolve(['a'], createdAt)).toBe('stale');
    expect(await inner.resolve(['a'], createdAt)).toBe('valid');
  });

  it('have stamps that never go down, however the server’s clock goes', async () => {
    const tags = await warmTable();
    const future = (await serverTime()) + 60_000;
    await tags.prepareFill(['b'], await later());
    await cli.text('SET', keys.tagKey('a'), String(future));
    await tags.invalidate(['a']);
    expect(await standing('a')).toBe(String(future));
    await cli.text('SET', keys.tagFloorKey, String(future + 1));
    await tags.invalidate(['a', 'b']);
    expect(await standing('a')).toBe(String(future + 1));
    expect(await standing('b')).toMatch(new RegExp(`^${future + 1}:`));
    expect(await tags.prepareFill(['a', 'b'], future + 1)).toBe(false);
    expect(await tags.prepareFill(['a', 'b'], future + 2)).toBe(true);
  });

  it('may be thousands in one invalidation', async () => {
    const tags = await warmTable();
    const many = Array.from({ length: 2500 }, (_, i) => `tag ${i}`);
    const createdAt = await later();
    await tags.invalidate(many);
    const verdicts = await Promise.all(many.map((tag) => tags.resolve([tag], createdAt)));
    expect(verdicts.every((verdict) => verdict === 'stale')).toBe(true);
    expect(await tags.prepareFill(many.slice(0, 64), await later())).toBe(true);
  });

  it('are made once for all fills that need them at the same time, here and elsewhere', async () => {
    await warmTable();
    const createdAt = await later();
    const tables = [table(), table(), table()];
    const fills = tables.flatMap((each) =>
      Array.from({ length: 50 }, (_, i) => each.prepareFill(['shared', `own ${i}`], createdAt)),
    );
    expect((await Promise.all(fills)).every(Boolean)).toBe(true);
    expect(await tables[0]?.resolve(['shared', 'own 7'], createdAt)).toBe('valid');
  });

  it('reject an invalidation of a tag whose record is of another type, and carry out the rest', async () => {
    const tags = await warmTable();
    const createdAt = await later();
    expect(await tags.prepareFill(['good'], createdAt)).toBe(true);
    await cli.text('LPUSH', keys.tagKey('bad'), 'x');
    await expect(tags.invalidate(['bad', 'good'])).rejects.toMatchObject({
      failures: new Map([['bad', expect.objectContaining({ code: 'TIERCEL_SERVER' })]]),
    });
    expect(await tags.resolve(['good'], createdAt)).toBe('stale');
    await evict(keys.tagKey('bad'));
  });

  it('outlive garbage in the place of a record', async () => {
    const tags = await warmTable();
    await cli.text('SET', keys.tagKey('a'), Buffer.from([0xff, 0x00, 0x3f]));
    const createdAt = await later();
    expect(await tags.resolve(['a'], createdAt)).toBe('stale');
    expect(await tags.prepareFill(['a'], createdAt)).toBe(true);
    expect(await tags.resolve(['a'], createdAt)).toBe('valid');
  });
});

describe('a tag record that Redis evicted', () => {
  it('leaves its entries stale, and valid again once one was loaded if nothing was invalidated', async () => {
    const tags = await warmTable();
    const first = await later();
    await tags.prepareFill(['a'], first);
    await evict(keys.tagKey('a'));
    expect(await tags.resolve(['a'], first)).toBe('stale');
    expect(await tags.prepareFill(['a'], await later())).toBe(true);
    expect(await tags.resolve(['a'], first)).toBe('valid');
  });

  it('brings no entry back that was invalidated, though others are loaded', async () => {
    const tags = await warmTable();
    const old = await later();
    await tags.prepareFill(['a'], old);
    await tags.invalidate(['a']);
    await evict(keys.tagKey('a'));
    expect(await tags.resolve(['a'], old)).toBe('stale');
    expect(await tags.prepareFill(['a'], old)).toBe(false);
    const fresh = await later();
    expect(await tags.prepareFill(['a'], fresh)).toBe(true);
    expect(await tags.resolve(['a'], fresh)).toBe('valid');
    expect(await tags.resolve(['a'], old)).toBe('stale');
  });

  it('brings none back when the floor went with it: what is being loaded then is not stored, the next is', async () => {
    const tags = await warmTable();
    const old = await later();
    await tags.prepareFill(['a'], old);
    await tags.invalidate(['a']);
    const loading = await later();
    await evict(keys.tagKey('a'), keys.tagFloorKey);
    expect(await tags.prepareFill(['a'], loading)).toBe(false);
    expect(await tags.resolve(['a'], old)).toBe('stale');
    const next = await later();
    expect(await tags.prepareFill(['a'], next)).toBe(true);
    expect(await tags.resolve(['a'], next)).toBe('valid');
    expect(await tags.resolve(['a'], old)).toBe('stale');
  });

  it.each([
    ['before the floor is read', (args: Command['args']) => args.includes(keys.tagFloorKey)],
    [
      'after the floor was read',
      (args: Command['args']) => args[0] === 'EVALSHA' && args.includes(keys.tagKey('a')),
    ],
  ])('brings none back when it was invalidated and lost while it was made, %s', async (_, isStep) => {
    const others = await warmTable();
    const old = await later();
    let happened = false;
    const overtaken = overtaking(
      ({ args }) => !happened && isStep(args),
      async () => {
        happened = true;
        await others.invalidate(['a']);
        await evict(keys.tagKey('a'));
      },
    );
    expect(await table(overtaken).prepareFill(['a'], old)).toBe(false);
    expect(happened).toBe(true);
    expect(await others.resolve(['a'], old)).toBe('stale');
    expect(await others.prepareFill(['a'], await later())).toBe(true);
    expect(await others.resolve(['a'], old)).toBe('stale');
  });

  it('brings none back when an invalidation comes to it late, after another that was lost', async () => {
    const tags = await warmTable();
    let old = 0;
    const late = overtaking(
      ({ args }) => args.includes(keys.tagKey('a')),
      async () => {
        old = await later();
        await tags.prepareFill(['a'], old);
        await tags.invalidate(['a']);
        await evict(keys.tagKey('a'));
      },
    );
    await table(late).invalidate(['a']);
    expect(await tags.resolve(['a'], old)).toBe('stale');
    expect(await tags.prepareFill(['a'], await later())).toBe(true);
    expect(await tags.resolve(['a'], old)).toBe('stale');
  });

  it('is not made by an invalidation: tags that no entry has cost nothing', async () => {
    const tags = await warmTable();
    await tags.invalidate(['never used']);
    expect(await cli.text('EXISTS', keys.tagKey('never used'))).toBe(0);
  });

  it('can be made by others when who began to died', async () => {
    const tags = await warmTable();
    await cli.text('SET', keys.tagKey('a'), '?of the dead', 'PX', '10000');
    const createdAt = await later();
    expect(await tags.resolve(['a'], createdAt)).toBe('stale');
    expect(await tags.prepareFill(['a'], createdAt)).toBe(true);
    expect(await tags.resolve(['a'], createdAt)).toBe('valid');
  });
});

describe('the life of tag records', () => {
  it('is at least as long as that of any entry stored with them', async () => {
    const tags = await warmTable();
    await tags.prepareFill(['a'], await later());
    expect(await cli.pttl(keys.tagKey('a'))).toBeGreaterThan(RETENTION);
    await cli.text('PEXPIRE', keys.tagKey('a'), '1000');
    await tags.invalidate(['a']);
    expect(await cli.pttl(keys.tagKey('a'))).toBeGreaterThan(RETENTION);
    expect(await cli.pttl(keys.tagFloorKey)).toBeGreaterThan(RETENTION);
  });

  it('is prolonged by a fill when less is left, and the stamp stays', async () => {
    const tags = await warmTable();
    const old = await later();
    await tags.prepareFill(['a'], old);
    await tags.invalidate(['a']);
    const [stamp] = (await standing('a')).split(':');
    const soon = (await serverTime()) + RETENTION - 1000;
    await cli.text('SET', keys.tagKey('a'), `${stamp}:${soon}`, 'PX', String(RETENTION - 1000));
    expect(await tags.prepareFill(['a'], await later())).toBe(true);
    expect(await standing('a')).toMatch(new RegExp(`^${stamp}:`));
    expect(await cli.pttl(keys.tagKey('a'))).toBeGreaterThan(RETENTION);
    expect(await tags.resolve(['a'], old)).toBe('stale');
  });

  it('is not written again by every fill', async () => {
    const tags = await warmTable();
    await tags.prepareFill(['a'], await later());
    const first = await standing('a');
    await tags.prepareFill(['a'], await later());
    expect(await standing('a')).toBe(first);
  });

  it('has no end where entries have none, and gets none from those who keep theirs shorter', async () => {
    const tags = await warmTable(port, Infinity);
    await tags.prepareFill(['a'], await later());
    expect(await cli.pttl(keys.tagKey('a'))).toBe(-1);
    await table(port, 1000).invalidate(['a']);
    expect(await cli.pttl(keys.tagKey('a'))).toBe(-1);
    await table(port, 1000).prepareFill(['b'], await later());
    expect(await cli.pttl(keys.tagKey('b'))).toBeGreaterThan(0);
    await tags.prepareFill(['b'], await later());
    expect(await cli.pttl(keys.tagKey('b'))).toBe(-1);
  });

  it('ends with its expiry, like an eviction', async () => {
    const tags = await warmTable(port, 20);
    const createdAt = await later();
    expect(await tags.prepareFill(['a'], createdAt)).toBe(true);
    await eventually('the record expires', async () => (await cli.pttl(keys.tagKey('a'))) === -2);
    expect(await tags.resolve(['a'], createdAt)).toBe('stale');
  });
});

describe('tags on a server that tells of changes', () => {
  it('are known without asking after a read, until somebody invalidates or removes them', async () => {
    await using here = await tracked();
    const others = await warmTable();
    const createdAt = await later();
    await others.prepareFill(['a'], createdAt);
    expect(here.tags.check(['a'], createdAt)).toBe('unknown');
    expect(await here.tags.resolve(['a'], createdAt)).toBe('valid');
    expect(here.tags.check(['a'], createdAt)).toBe('valid');
    await others.invalidate(['a']);
    await told(here.tags, createdAt);
    expect(await here.tags.resolve(['a'], createdAt)).toBe('stale');
    expect(here.tags.check(['a'], createdAt)).toBe('stale');
    await evict(keys.tagKey('a'));
    await told(here.tags, createdAt);
  });

  it.each([
    ['made', async () => undefined],
    ['prolonged', async () => cli.text('SET', keys.tagKey('a'), `5:${(await serverTime()) + 1000}`)],
  ])('are known after a fill that %s the record, and changes of it are told', async (_, prepare) => {
    const others = await warmTable();
    await prepare();
    await using here = await tracked();
    const createdAt = await later();
    expect(await here.tags.prepareFill(['a'], createdAt)).toBe(true);
    expect(here.tags.check(['a'], createdAt)).toBe('valid');
    await others.invalidate(['a']);
    await told(here.tags, createdAt);
  });

  it('are read again after an own invalidation, which the server does not tell of', async () => {
    await using here = await tracked();
    await warmTable();
    const old = await later();
    await here.tags.prepareFill(['a'], old);
    const done = here.tags.invalidate(['a']);
    const meanwhile = here.tags.resolve(['a'], old);
    await done;
    expect(await meanwhile).toBe('stale');
    expect(here.tags.check(['a'], old)).toBe('unknown');
    expect(await here.tags.resolve(['a'], old)).toBe('stale');
    await (await warmTable()).invalidate(['a']);
    await told(here.tags, old);
  });
});

describe('tags on a server that is ill', () => {
  it('are invalidated although its memory is full', async () => {
    await using server = await startRedis();
    const own = openPort(server.url);
    await own.connect();
    const tags = await warmTable(own);
    const createdAt = (await serverTime()) + 1;
    await tags.prepareFill(['a'], createdAt);
    await server.cli('CONFIG', 'SET', 'maxmemory', '1', 'maxmemory-policy', 'noeviction');
    await expect(server.cli('SET', 'x', 'y')).rejects.toThrow(/OOM/);
    const before = await later();
    await tags.invalidate(['a', 'b']);
    const [stamp] = String(await server.cli('GET', keys.tagKey('a'))).split(':');
    // In the same millisecond it is the same, and what was created then is stale.
    expect(Number(stamp)).toBeGreaterThanOrEqual(before);
    await expect(tags.prepareFill(['c'], createdAt)).rejects.toMatchObject({ code: 'TIERCEL_SERVER' });
    await own.close();
  });

  it('reject by the deadline when it is silent, and what is held stays stale after', async () => {
    await using server = await startRedis();
    const own = openPort(server.url);
    await own.connect();
    const tags = new TagTable({ port: own, keys, retention: RETENTION, remember: true });
    await tags.warm();
    const createdAt = (await later()) + 1000;
    await tags.prepareFill(['a'], createdAt);
    expect(tags.check(['a'], createdAt)).toBe('valid');
    await server.freeze();
    const began = performance.now();
    const outcome = tags.invalidate(['a']).catch((error: unknown) => {
      tags.hold('a');
      throw error;
    });
    expect(tags.check(['a'], createdAt)).toBe('stale');
    await expect(outcome).rejects.toMatchObject({ code: 'TIERCEL_BULK', operation: 'invalidateTags' });
    expect(performance.now() - began).toBeLessThan(1000);
    await server.thaw();
    expect(tags.check(['a'], createdAt)).toBe('stale');
    await own.close();
  });
});
