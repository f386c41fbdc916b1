import { describe, expect, it } from 'vitest';
import { KeySpace } from '../../../src/client/key-space.js';
import { BulkError, ConnectionError, InvalidOptionError, ServerError } from '../../../src/errors.js';
import { checkTags, TagTable } from '../../../src/layers/tag-table.js';
import type { Command, RedisPort, Reply } from '../../../src/redis/port.js';

const down = new ConnectionError('no connection');
const bytes = (text: string) => Buffer.from(text);

const unused = () => {
  throw new Error('not used here');
};

/** A port of which only the replies are of interest: the test gives each, or leaves the question open. */
function portThat(answer: (command: Command) => Reply | Promise<Reply>): RedisPort {
  const send = async (command: Command) => answer(command);
  const settled = (command: Command) => send(command).catch((error: unknown) => error as ConnectionError);
  return {
    state: 'ready',
    address: 'a fake',
    servers: [],
    tracking: true,
    connect: unused,
    get: unused,
    readTo: unused,
    sendTo: unused,
    getMany: (keys) =>
      Promise.all(keys.map((key) => settled({ key, args: ['GET', key] }))) as Promise<Buffer[]>,
    send,
    sendAll: (commands) => Promise.all(commands.map(settled)),
    deadline: () => performance.now() + 250,
    serverNow: () => 1000,
    onInvalidate: unused,
    onLag: unused,
    lastHeard: () => 0,
    onStateChange: unused,
    close: unused,
  };
}

const failing = () =>
  portThat(({ key }) => {
    if (key === 'shop:%tag::bad') throw down;
    return bytes('10');
  });

function tableOver(port: RedisPort, remember = true): TagTable {
  return new TagTable({ port, keys: KeySpace.of('shop'), retention: 60_000, remember });
}

/** Reads are answered one by one when the test says so. */
function heldReads() {
  const waiting: Array<(reply: Reply) => void> = [];
  const port = portThat(() => new Promise<Reply>((resolve) => void waiting.push(resolve)));
  const answer = (text: string): void => waiting.shift()?.(bytes(text));
  return { table: tableOver(port), answer };
}

describe('a table of tags that is warm', () => {
  it('was waited for until what is loaded from now on is later than the floor, however late the clock is known', async () => {
    const began = performance.now();
    const now = () => 1000 + Math.floor(performance.now() - began);
    const port = { ...portThat(() => bytes('1030')), serverNow: now };
    await tableOver(port).warm();
    expect(now()).toBeGreaterThan(1030);
  });

  it('was not waited for where the floor is far ahead of the clock', async () => {
    const began = performance.now();
    await tableOver({ ...portThat(() => bytes('9000000')), deadline: () => performance.now() + 20 }).warm();
    expect(performance.now() - began).toBeLessThan(1000);
  });
});

describe('what a table of tags says without Redis', () => {
  it('says that an entry without tags is valid', async () => {
    const table = tableOver(
      portThat(() => {
        throw new Error('Redis was asked');
      }),
    );
    expect(table.check([], 5)).toBe('valid');
    await expect(table.resolve([], 5)).resolves.toBe('valid');
    await expect(table.prepareFill([], 5)).resolves.toBe(true);
    await expect(table.invalidate([])).resolves.toBeUndefined();
  });

  it('does not know before a record was read, and knows after', async () => {
    const table = tableOver(portThat(() => bytes('10')));
    expect(table.check(['a'], 11)).toBe('unknown');
    await expect(table.resolve(['a'], 11)).resolves.toBe('valid');
    expect(table.check(['a'], 11)).toBe('valid');
    expect(table.check(['a'], 10)).toBe('stale');
    expect(table.check(['a', 'b'], 11)).toBe('unknown');
    expect(table.check(['b', 'a'], 10)).toBe('stale');
  });

  it('never knows where nothing tells of changes', async () => {
    const table = tableOver(
      portThat(() => bytes('10')),
      false,
    );
    await expect(table.resolve(['a'], 11)).resolves.toBe('valid');
    expect(table.check(['a'], 11)).toBe('unknown');
  });

  it('no longer knows what was changed, nor anything after a reconnect', async () => {
    const table = tableOver(portThat(() => bytes('10')));
    await table.resolve(['a', 'b'], 11);
    expect(table.onInvalidated('shop:%tag::a')).toBe(true);
    expect(table.check(['a'], 11)).toBe('unknown');
    expect(table.check(['b'], 11)).toBe('valid');
    table.forget();
    expect(table.check(['b'], 11)).toBe('unknown');
    await table.resolve(['b'], 11);
    expect(table.onInvalidated(null)).toBe(false);
    expect(table.check(['b'], 11)).toBe('unknown');
  });

  it('tells its own keys from those of entries and of other namespaces', () => {
    const table = tableOver(portThat(() => null));
    expect(table.onInvalidated('shop:%tagfloor::')).toBe(true);
    expect(table.onInvalidated('shop::a')).toBe(false);
    expect(table.onInvalidated('shop:eu:%tag::a')).toBe(false);
    expect(table.onInvalidated('%tag::a')).toBe(false);
  });

  it('takes anything that is no record for a missing one', async () => {
    for (const text of ['', '?claim', 'x', '1x', '-1', '1:', '1:2:3', '9'.repeat(20), '\0']) {
      await expect(tableOver(portThat(() => bytes(text))).resolve(['a'], 2 ** 47)).resolves.toBe('stale');
    }
    for (const reply of [null, undefined, 7, [bytes('1')], {}]) {
      await expect(tableOver(portThat(() => reply)).resolve(['a'], 2 ** 47)).resolves.toBe('stale');
    }
  });
});

describe('reads that something overtakes', () => {
  it('are not remembered, and their entry is stale, when the record changes meanwhile', async () => {
    const { table, answer } = heldReads();
    const verdict = table.resolve(['a'], 11);
    table.onInvalidated('shop:%tag::a');
    answer('10');
    await expect(verdict).resolves.toBe('stale');
    expect(table.check(['a'], 11)).toBe('unknown');
  });

  it('are not remembered when the connection is another one meanwhile', async () => {
    const { table, answer } = heldReads();
    const verdict = table.resolve(['a'], 11);
    table.forget();
    answer('10');
    await expect(verdict).resolves.toBe('stale');
    expect(table.check(['a'], 11)).toBe('unknown');
  });

  it('do not make an entry valid whose tag is held meanwhile', async () => {
    const { table, answer } = heldReads();
    const verdict = table.resolve(['a'], 11);
    table.hold('a');
    answer('10');
    await expect(verdict).resolves.toBe('stale');
  });
});

describe('tags that are held', () => {
  it('make every entry stale and let none be stored, until they are released', async () => {
    const table = tableOver(portThat(() => bytes('10')));
    await table.resolve(['a'], 11);
    table.hold('a');
    table.hold('a');
    expect(table.check(['a'], 2 ** 47)).toBe('stale');
    await expect(table.resolve(['a'], 2 ** 47)).resolves.toBe('stale');
    await expect(table.prepareFill(['a'], 2 ** 47)).resolves.toBe(false);
    table.release('a');
    expect(table.check(['a'], 11)).toBe('unknown');
    await expect(table.resolve(['a'], 11)).resolves.toBe('valid');
  });
});

describe('an invalidation', () => {
  it('makes what is here stale at once and for as long as it is on its way', async () => {
    const steps: Array<() => void> = [];
    const port = portThat(({ args }) => {
      if (args[0] === 'GET') return bytes('10');
      return new Promise<Reply>((resolve) => {
        steps.push(() => resolve(steps.length === 1 ? bytes('20') : 1));
      });
    });
    const table = tableOver(port);
    await table.resolve(['a'], 11);
    const done = table.invalidate(['a']);
    expect(table.check(['a'], 11)).toBe('stale');
    steps[0]?.();
    await expect.poll(() => steps.length).toBe(2);
    expect(table.check(['a'], 11)).toBe('stale');
    steps[1]?.();
    await done;
    expect(table.check(['a'], 11)).toBe('unknown');
  });

  it('rejects with every tag when the floor cannot be raised', async () => {
    const table = tableOver(
      portThat(() => {
        throw down;
      }),
    );
    const error: unknown = await table.invalidate(['a', 'b', 'a']).catch((thrown: unknown) => thrown);
    if (!(error instanceof BulkError)) throw new Error('rejected with something else');
    expect([...error.failures.keys()]).toEqual(['a', 'b']);
    expect(error.operation).toBe('invalidateTags');
  });

  it('rejects with the tags that failed, and no other', async () => {
    const port = portThat(({ key }) => {
      if (key === 'shop:%tagfloor::') return bytes('20');
      if (key === 'shop:%tag::bad') throw down;
      return key === 'shop:%tag::odd' ? 'OK' : 1;
    });
    const error: unknown = await tableOver(port)
      .invalidate(['good', 'bad', 'odd'])
      .catch((thrown: unknown) => thrown);
    if (!(error instanceof BulkError)) throw new Error('rejected with something else');
    expect([...error.failures.keys()].sort()).toEqual(['bad', 'odd']);
    expect(error.failures.get('bad')).toBe(down);
    expect(error.failures.get('odd')).toBeInstanceOf(ServerError);
  });

  it('rejects when Redis answers with something else than a time', async () => {
    for (const reply of [null, bytes('soon'), 7, [], bytes('')]) {
      const table = tableOver(portThat(() => reply));
      await expect(table.invalidate(['a'])).rejects.toMatchObject({ code: 'TIERCEL_BULK' });
      expect(table.check(['a'], 1)).toBe('unknown');
    }
  });
});

describe('when Redis cannot tell', () => {
  it('a verdict rejects with the reason', async () => {
    await expect(tableOver(failing()).resolve(['good', 'bad'], 11)).rejects.toBe(down);
    await expect(tableOver(failing()).prepareFill(['good', 'bad'], 11)).rejects.toBe(down);
  });

  it('an entry that another tag makes stale is stale all the same', async () => {
    await expect(tableOver(failing()).resolve(['bad', 'good'], 10)).resolves.toBe('stale');
    await expect(tableOver(failing()).prepareFill(['bad', 'good'], 10)).resolves.toBe(false);
  });

  it('what is shared by several fills rejects for each, and the next asks again', async () => {
    let broken = true;
    const port = portThat(() => {
      if (broken) throw down;
      return bytes('10');
    });
    const table = tableOver(port);
    const fills = await Promise.allSettled([table.prepareFill(['a'], 11), table.prepareFill(['a'], 11)]);
    expect(fills.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    broken = false;
    await expect(table.prepareFill(['a'], 11)).resolves.toBe(true);
  });
});

describe('tags that are given', () => {
  it('are each taken once, in a list of their own', () => {
    const given = ['b', 'a', 'b'];
    const taken = checkTags(given, 'set');
    expect(taken).toEqual(['b', 'a']);
    given.push('c');
    expect(taken).toEqual(['b', 'a']);
    expect(checkTags([], 'set')).toEqual([]);
  });

  it('may be 64, of 512 bytes each', () => {
    const many = Array.from({ length: 64 }, (_, i) => `${i}`);
    expect(checkTags([...many, '0'], 'set')).toHaveLength(64);
    expect(() => checkTags([...many, 'one more'], 'set')).toThrow(/set: an entry may have 64 tags/);
    expect(checkTags(['x'.repeat(512), '€'.repeat(170)], 'set')).toHaveLength(2);
    expect(() => checkTags(['x'.repeat(513)], 'set')).toThrow(/512 bytes/);
    expect(() => checkTags(['€'.repeat(171)], 'set')).toThrow(/512 bytes/);
  });

  it.each([[''], ['\ud800'], [7], [null], [undefined], [{}]])('are refused if one is %j', async (bad) => {
    const tags = ['good', bad] as string[];
    expect(() => checkTags(tags, 'set')).toThrow(InvalidOptionError);
    await expect(tableOver(portThat(() => null)).invalidate(tags)).rejects.toBeInstanceOf(InvalidOptionError);
  });

  it('are refused if they are no list', () => {
    for (const bad of ['users', undefined, null, 7, { length: 0 }, new Set(['a'])]) {
      expect(() => checkTags(bad as unknown as string[], 'set')).toThrow(/set: expected an array of tags/);
    }
  });

  it('need a retention that is a time', () => {
    for (const retention of [0, -1, Number.NaN]) {
      expect(
        () => new TagTable({ port: portThat(() => null), keys: KeySpace.of(''), retention, remember: true }),
      ).toThrow(/retention/);
    }
  });
});
