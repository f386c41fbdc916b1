import { afterEach, describe, expect, it } from 'vitest';
import type { Connection, Driver } from '../../../../src/redis/connection.js';
import { PrimaryWatch } from '../../../../src/redis/sentinel/primary-watch.js';
import type { Reply } from '../../../../src/redis/port.js';
import { eventually } from '../../../support/eventually.js';

/** A sentinel that says what a test wants. */
class FakeSentinel implements Driver {
  readonly name = 'fake';
  readonly address = 'a sentinel';
  port: string | null;
  epoch: string;
  refuses = false;
  asked = 0;
  announce: () => void = () => undefined;
  lose: () => void = () => undefined;

  constructor(port: string | null, epoch: string) {
    this.port = port;
    this.epoch = epoch;
  }

  async open(): Promise<Connection> {
    if (this.refuses) throw new Error('refused');
    return {
      send: async ([name, question]): Promise<Reply> => {
        if (name !== 'SENTINEL') return 'PONG';
        if (question !== 'MASTER')
          return this.port === null ? null : [Buffer.from('host'), Buffer.from(this.port)];
        this.asked++;
        return { 'config-epoch': Buffer.from(this.epoch) };
      },
      onLost: (listener) => (this.lose = () => listener(new Error('gone'))),
      subscribe: async (_, listener) => void (this.announce = listener),
      release: () => undefined,
    };
  }

  isReplyError(): boolean {
    return false;
  }
}

describe('PrimaryWatch', () => {
  const closers: Array<() => void> = [];
  afterEach(() => {
    for (const close of closers.splice(0)) close();
  });
  const watching = (...sentinels: FakeSentinel[]): PrimaryWatch => {
    const watch = new PrimaryWatch('main', sentinels);
    closers.push(() => watch.close());
    return watch;
  };

  it('believes the sentinel that has seen the latest failover', async () => {
    const watch = watching(
      new FakeSentinel('1', '7'),
      new FakeSentinel('2', '10'),
      new FakeSentinel('1', '9'),
    );
    expect(await watch.ask()).toEqual({ host: 'host', port: 2, epoch: 10 });
  });

  it('keeps to what it has believed where two disagree within one epoch', async () => {
    const [one, two] = [new FakeSentinel('1', '7'), new FakeSentinel('1', '7')];
    const watch = watching(one, two);
    await watch.ask();
    one.port = '2';
    expect((await watch.ask()).port).toBe(1);
  });

  it('does without sentinels that are away, and forgets what they said', async () => {
    const [old, lost] = [new FakeSentinel('1', '3'), new FakeSentinel('2', '4')];
    const watch = watching(old, lost);
    expect((await watch.ask()).port).toBe(2);
    lost.refuses = true;
    lost.lose();
    await eventually('the other is believed', async () => (await watch.ask()).port === 1);
  });

  it('asks at once when one of them announces a switch', async () => {
    const sentinel = new FakeSentinel('1', '1');
    const watch = watching(sentinel);
    await watch.ask();
    const told: Array<number | undefined> = [];
    watch.onRound(() => told.push(watch.primary?.port));
    Object.assign(sentinel, { port: '2', epoch: '2' });
    sentinel.announce();
    await eventually('the switch is told', () => told.includes(2), 500);
  });

  it('asks more often while a primary is sought', async () => {
    const sentinel = new FakeSentinel('1', '1');
    const watch = watching(sentinel);
    await watch.ask();
    const stop = watch.seek();
    const before = sentinel.asked;
    await eventually('three more questions', () => sentinel.asked >= before + 3, 900);
    stop();
  });

  it('says that no sentinel can tell', async () => {
    const watch = watching(new FakeSentinel(null, '1'));
    await expect(watch.ask()).rejects.toMatchObject({
      code: 'TIERCEL_CONNECTION',
      message: expect.stringContaining("'main'"),
    });
  });

  it('asks nobody any more once it is closed', async () => {
    const watch = watching(new FakeSentinel('1', '1'));
    await watch.ask();
    watch.close();
    await expect(watch.ask()).rejects.toMatchObject({ code: 'TIERCEL_CONNECTION' });
  });
});
