import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConnectionError, InvalidOptionError } from '../../../src/errors.js';
import type { RedisPort, Reply } from '../../../src/redis/port.js';
import { RecoveryLog, type RecoveryLogOptions } from '../../../src/recovery/recovery-log.js';

const START = 1_767_225_600_000;

/** What Redis is asked to remove, and answers when the test says so. */
class Removals {
  readonly asked: Array<{ readonly key: string; readonly limit: number }> = [];
  answer: (key: string) => Reply | Promise<Reply> = () => 1;

  readonly #used: Pick<RedisPort, 'send' | 'deadline'> = {
    send: async ({ key, args }) => {
      this.asked.push({ key, limit: Number(args.at(-1)) });
      return this.answer(key);
    },
    deadline: () => performance.now() + 250,
  };
  readonly port = this.#used as RedisPort;

  get keys(): string[] {
    return this.asked.map(({ key }) => key);
  }
}

class Times {
  server = START;
  monotonic = 0;

  pass(ms: number): void {
    this.server += ms;
    this.monotonic += ms;
  }
}

function setUp(options: Partial<RecoveryLogOptions> = {}) {
  const removals = new Removals();
  const times = new Times();
  const log = new RecoveryLog({
    serverNow: () => times.server,
    clock: { monotonic: () => times.monotonic, wall: () => times.server },
    ...options,
  });
  return { log, times, removals, port: removals.port };
}

const neverCleared = (): Promise<void> => Promise.reject(new Error('must not be called'));
const down = (): never => {
  throw new ConnectionError('down');
};

function signal(): { readonly promise: Promise<void>; readonly give: () => void } {
  const listeners: Array<() => void> = [];
  const promise = new Promise<void>((resolve) => void listeners.push(resolve));
  return { promise, give: () => listeners.forEach((listener) => listener()) };
}

async function limitAfter(happen: (parts: ReturnType<typeof setUp>) => void): Promise<number | undefined> {
  const parts = setUp();
  happen(parts);
  await parts.log.replay(parts.port, neverCleared);
  return parts.removals.asked[0]?.limit;
}

describe('a recovery log', () => {
  it('has nothing pending at first', async () => {
    const { log, port, removals } = setUp();
    expect(log).toMatchObject({ size: 0, empty: true, overflowed: false });
    expect(log.isPending('a')).toBe(false);
    expect(await log.replay(port, neverCleared)).toBe(true);
    expect(removals.asked).toEqual([]);
  });

  it('keeps what is added until its removal was acknowledged', async () => {
    const { log, port, removals } = setUp();
    log.add('a');
    log.add('b');
    log.add('a');
    expect(log).toMatchObject({ size: 2, empty: false });
    expect(log.isPending('a')).toBe(true);
    expect(log.isPending('c')).toBe(false);
    expect(await log.replay(port, neverCleared)).toBe(true);
    expect(removals.keys).toEqual(['a', 'b']);
    expect(log.empty).toBe(true);
    expect(log.isPending('a')).toBe(false);
  });

  it('keeps everything when Redis fails again, and says why', async () => {
    const { log, port, removals } = setUp();
    log.add('a');
    removals.answer = down;
    expect(await log.replay(port, neverCleared)).toBe(false);
    expect(log.isPending('a')).toBe(true);
    expect(log.failure).toMatchObject({ message: 'down' });
    removals.answer = () => 0;
    expect(await log.replay(port, neverCleared)).toBe(true);
    expect(log.failure).toBeUndefined();
  });

  it('keeps only what was not acknowledged when Redis fails on the way', async () => {
    const { log, port, removals } = setUp();
    for (let i = 0; i < 1200; i++) log.add(`k${i}`);
    removals.answer = () => (removals.asked.length > 700 ? down() : 1);
    expect(await log.replay(port, neverCleared)).toBe(false);
    expect(log.size).toBe(500);
    expect(log.isPending('k699')).toBe(false);
    expect(log.isPending('k700')).toBe(true);
  });

  it('asks no more of a Redis that answered nothing', async () => {
    const { log, port, removals } = setUp();
    for (let i = 0; i < 5000; i++) log.add(`k${i}`);
    removals.answer = down;
    await log.replay(port, neverCleared);
    expect(removals.asked.length).toBe(500);
  });

  it('does not let one key that Redis refuses keep the others back', async () => {
    const { log, port, removals } = setUp();
    for (let i = 0; i < 1200; i++) log.add(`k${i}`);
    removals.answer = (key) => (key === 'k0' ? down() : 1);
    expect(await log.replay(port, neverCleared)).toBe(false);
    expect(log.size).toBe(1);
    expect(log.isPending('k0')).toBe(true);
  });

  it('removes a key again that was added again while its removal was under way', async () => {
    const { log, port, removals, times } = setUp();
    log.add('a');
    const first = signal();
    removals.answer = () => first.promise;
    const replay = log.replay(port, neverCleared);
    times.pass(5000);
    log.add('a');
    removals.answer = () => {
      expect(log.isPending('a')).toBe(true);
      return 1;
    };
    first.give();
    expect(await replay).toBe(true);
    expect(removals.keys).toEqual(['a', 'a']);
    expect(removals.asked[1]?.limit).toBe(START + 5000 + 1000);
  });

  it('runs one replay at a time, for however many ask', async () => {
    const { log, port, removals } = setUp();
    log.add('a');
    const answered = signal();
    removals.answer = () => answered.promise;
    const replays = [log.replay(port, neverCleared), log.replay(port, neverCleared)];
    answered.give();
    expect(await Promise.all(replays)).toEqual([true, true]);
    expect(removals.keys).toEqual(['a']);
    log.add('b');
    expect(await log.replay(port, neverCleared)).toBe(true);
    expect(removals.keys).toEqual(['a', 'b']);
  });

  it('refuses a capacity that is none', () => {
    expect(() => setUp({ capacity: 0 })).toThrow(InvalidOptionError);
  });
});

describe('what a replay spares', () => {
  it('is what was made more than the margin after the invalidation', async () => {
    expect(await limitAfter(({ log }) => log.add('a'))).toBe(START + 1000);
  });

  it('is counted from the last time the key was added', async () => {
    const limit = await limitAfter(({ log, times }) => {
      log.add('a');
      times.pass(700);
      log.add('a');
    });
    expect(limit).toBe(START + 700 + 1000);
  });

  it('is less the longer the invalidation had to wait, since clocks drift', async () => {
    const limit = await limitAfter(({ log, times }) => {
      log.add('a');
      times.pass(60_000);
    });
    expect(limit).toBe(START + 1000 + 60);
  });

  it('is counted by the server’s clock also when that became known only afterwards', async () => {
    const limit = await limitAfter(({ log, times }) => {
      times.server = START - 600_000; // a local clock that is ten minutes slow
      log.add('a');
      times.pass(2000);
      times.server = START + 2000;
    });
    expect(limit).toBe(START + 1000 + 2);
  });

  it('does not include what a server whose clock was ahead stamped before it was replaced', async () => {
    const limit = await limitAfter(({ log, times }) => {
      log.add('a');
      times.server = START - 30_000;
    });
    expect(limit).toBe(START + 1000);
  });
});

describe('a recovery log with too many to keep', () => {
  const capacity = 3;

  function overflow(log: RecoveryLog): void {
    for (let i = 0; i <= capacity; i++) log.add(`k${i}`);
  }

  it('forgets the keys and has all of them pending', () => {
    const { log } = setUp({ capacity });
    log.add('k0');
    log.add('k1');
    log.add('k2');
    log.add('k2');
    expect(log.overflowed).toBe(false);
    log.add('k3');
    expect(log).toMatchObject({ overflowed: true, size: 0, empty: false });
    expect(log.isPending('any')).toBe(true);
    log.add('k4');
    expect(log.size).toBe(0);
  });

  it('clears the namespace instead', async () => {
    const { log, port, removals } = setUp({ capacity });
    overflow(log);
    let cleared = 0;
    expect(await log.replay(port, async () => void cleared++)).toBe(true);
    expect(cleared).toBe(1);
    expect(removals.asked).toEqual([]);
    expect(log).toMatchObject({ overflowed: false, empty: true });
    expect(log.isPending('any')).toBe(false);
  });

  it('stays so when the namespace could not be cleared', async () => {
    const { log, port } = setUp({ capacity });
    overflow(log);
    expect(await log.replay(port, () => Promise.reject(new ConnectionError('down')))).toBe(false);
    expect(log).toMatchObject({ overflowed: true, empty: false });
    expect(log.failure).toMatchObject({ message: 'down' });
    expect(await log.replay(port, () => Promise.resolve())).toBe(true);
  });

  it('removes singly what was added while the namespace was being cleared', async () => {
    const { log, port, removals } = setUp({ capacity });
    overflow(log);
    const replayed = log.replay(port, async () => log.add('late'));
    expect(await replayed).toBe(true);
    expect(removals.keys).toEqual(['late']);
  });

  it('leaves that to the next attempt when clearing fails', async () => {
    const { log, port, removals } = setUp({ capacity });
    overflow(log);
    await log.replay(port, () => {
      log.add('late');
      return Promise.reject(new ConnectionError('down'));
    });
    expect(log.size).toBe(0);
    expect(log.isPending('late')).toBe(true);
    expect(await log.replay(port, () => Promise.resolve())).toBe(true);
    expect(removals.asked).toEqual([]);
  });

  it('clears again when there were too many once more meanwhile', async () => {
    const { log, port } = setUp({ capacity });
    overflow(log);
    let cleared = 0;
    const replayed = log.replay(port, async () => {
      if (cleared++ === 0) overflow(log);
    });
    expect(await replayed).toBe(true);
    expect(cleared).toBe(2);
    expect(log.empty).toBe(true);
  });

  it('turns to clearing when it happens during the removal of single keys', async () => {
    const { log, port, removals } = setUp({ capacity });
    log.add('k0');
    removals.answer = () => {
      overflow(log);
      return 1;
    };
    let cleared = 0;
    expect(await log.replay(port, async () => void cleared++)).toBe(true);
    expect(cleared).toBe(1);
  });
});

describe('no invalidation', () => {
  it('leaves the log without a removal or a clearing that began after it', async () => {
    const anyStep = fc.oneof(
      fc.record({ add: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f') }),
      fc.record({ replay: fc.constantFrom('works', 'fails', 'adds meanwhile') }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { maxLength: 40 }), async (steps) => {
        const { log, port, removals } = setUp({ capacity: 3 });
        /** What would still be wrong in Redis. */
        const wrong = new Set<string>();
        const add = (key: string): void => {
          wrong.add(key);
          log.add(key);
        };
        for (const step of steps) {
          if ('add' in step) {
            add(step.add);
          } else {
            let left = step.replay === 'adds meanwhile' ? 5 : 0;
            const remove = (these: Iterable<string>): void => {
              if (step.replay === 'fails') down();
              for (const key of these) wrong.delete(key);
              if (left > 0) add('abcdef'[left--] ?? 'a'); // done already for this key, and yet not answered
            };
            removals.answer = (key) => {
              remove([key]);
              return 1;
            };
            const succeeded = await log.replay(port, async () => remove(wrong));
            expect(succeeded).toBe(log.empty);
          }
          for (const key of wrong) expect(log.isPending(key)).toBe(true);
        }
        if (log.empty) expect([...wrong]).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});
