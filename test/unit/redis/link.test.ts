import { afterEach, describe, expect, it } from 'vitest';
import type { Connection, Driver } from '../../../src/redis/connection.js';
import { RedisLink, type LinkSettings } from '../../../src/redis/link.js';
import type { ChangeListening } from '../../../src/redis/open-connection.js';
import type { Reply } from '../../../src/redis/port.js';
import { ServerClock } from '../../../src/redis/server-clock.js';
import { deferred } from '../../../servers/deferred.js';
import { eventually } from '../../support/eventually.js';
import { becomes } from '../../support/port-state.js';

const SETTINGS: LinkSettings = {
  connectTimeout: 1000,
  commandTimeout: 250,
  heartbeatInterval: 60_000,
  retryDelay: { min: 1, max: 2 },
  maxInFlight: 10,
};

/** A connection in the hands of the test. */
class HandHeld implements Connection {
  /** What `onLost` finds: the connection went before anyone listened. */
  lostBefore = false;
  released = false;
  reply: (args: readonly unknown[]) => Promise<Reply> = async () => 'PONG';
  #tell: ((cause: unknown) => void) | undefined;

  async track(): Promise<void> {
    // Nothing is told; that it can be asked for is enough.
  }
  send(args: readonly unknown[]): Promise<Reply> {
    return this.reply(args);
  }
  onLost(listener: (cause: unknown) => void): void {
    this.#tell = listener;
    if (this.lostBefore) listener(new Error('lost before anyone listened'));
  }
  lose(): void {
    this.#tell?.(new Error('lost'));
  }
  release(): void {
    this.released = true;
  }
}

class Refusal extends Error {}

describe('a link', () => {
  const links: RedisLink[] = [];
  afterEach(() => {
    for (const link of links.splice(0)) link.close();
  });

  function linkOver(...connections: readonly HandHeld[]): RedisLink {
    return linkWith({}, ...connections);
  }

  function linkWith(
    { changes, settings = SETTINGS }: { changes?: ChangeListening; settings?: LinkSettings },
    ...connections: readonly HandHeld[]
  ): RedisLink {
    let opened = 0;
    const driver: Driver = {
      name: 'by hand',
      address: 'nowhere',
      async open() {
        const connection = connections[opened++];
        if (!connection) throw new Error('no more connections');
        return connection;
      },
      isReplyError: (error) => error instanceof Refusal,
    };
    const link = new RedisLink(driver, settings, new ServerClock(), changes);
    links.push(link);
    return link;
  }

  it('finds another connection when the one it was given was lost before it could listen', async () => {
    // Found with a client of the application's whose connection was cut while the link tried it: the link called itself ready
    // with no connection, for ever.
    const [dead, good] = [new HandHeld(), new HandHeld()];
    dead.lostBefore = true;
    const link = linkOver(dead, good);
    await becomes(link, 'ready');
    good.reply = async () => 'from the second';
    expect(await link.send(['GET', 'k'])).toBe('from the second');
  });

  it('finds another connection when one is lost', async () => {
    const [first, second] = [new HandHeld(), new HandHeld()];
    const link = linkOver(first, second);
    await becomes(link, 'ready');
    first.lose();
    expect(link.state).toBe('lost');
    await becomes(link, 'ready');
    second.reply = async () => 'from the second';
    expect(await link.send(['GET', 'k'])).toBe('from the second');
  });

  it('counts what is under way, and no more than that', async () => {
    const connection = new HandHeld();
    const link = linkOver(connection);
    await becomes(link, 'ready');
    const sent = Array.from({ length: 10 }, () => link.send(['GET', 'k']));
    expect(link.inFlight).toBe(10);
    await expect(link.send(['GET', 'k'])).rejects.toMatchObject({ code: 'TIERCEL_OVERLOADED' });
    await Promise.all(sent);
    expect(link.inFlight).toBe(0);
  });

  it('settles what waits for the first connection when it is closed', async () => {
    const link = linkOver();
    const waiting = link.send(['GET', 'k']);
    link.close();
    await expect(waiting).rejects.toMatchObject({ code: 'TIERCEL_CLOSED' });
  });

  it('gives up a connection that comes after it was closed', async () => {
    const connection = new HandHeld();
    const link = linkOver(connection);
    link.close();
    await new Promise((resolve) => setImmediate(resolve));
    expect(connection.released).toBe(true);
  });

  describe('that hears of changes tells how late they are', () => {
    const settings: LinkSettings = { ...SETTINGS, commandTimeout: 20, heartbeatInterval: 5 };

    function listening(): { readonly lags: number[]; readonly changes: ChangeListening } {
      const lags: number[] = [];
      const changes: ChangeListening = {
        tracking: { of: 'channel', channel: 'c' },
        listener: () => undefined,
        onLag: (milliseconds) => void lags.push(milliseconds),
      };
      return { lags, changes };
    }

    /** Answers at once but for the next heartbeat, whose answer is the test's to give. */
    function holdHeartbeat(connection: HandHeld) {
      const asked = deferred<void>();
      const answer = deferred<Reply>();
      connection.reply = () => {
        connection.reply = async () => 'PONG';
        asked.resolve();
        return answer.promise;
      };
      return { asked: asked.promise, answer };
    }

    it('with every heartbeat, a refused one too', async () => {
      const connection = new HandHeld();
      const { lags, changes } = listening();
      const link = linkWith({ changes, settings }, connection);
      await becomes(link, 'ready');
      await eventually('three answers', () => lags.length >= 3);
      connection.reply = () => Promise.reject(new Refusal('NOPERM'));
      const before = lags.length;
      await eventually('three refusals', () => lags.length >= before + 4);
      expect(lags.every((lag) => lag >= 0)).toBe(true);
    });

    it('by an answer that comes when nobody waits for it any more', async () => {
      const connection = new HandHeld();
      const { lags, changes } = listening();
      const link = linkWith({ changes, settings }, connection);
      await becomes(link, 'ready');
      const { asked, answer } = holdHeartbeat(connection);
      await asked;
      const from = performance.now();
      connection.reply = () => new Promise(() => undefined);
      await becomes(link, 'silent');
      const before = lags.length;
      const held = performance.now() - from;
      answer.resolve('PONG');
      await eventually('the late answer', () => lags.length > before);
      expect(lags[before]).toBeGreaterThanOrEqual(held);
    });

    it('but not by an answer that comes when the connection was replaced, or went', async () => {
      const [first, second] = [new HandHeld(), new HandHeld()];
      const { lags, changes } = listening();
      const link = linkWith({ changes, settings }, first, second);
      await becomes(link, 'ready');
      const { asked, answer } = holdHeartbeat(first);
      await asked;
      second.reply = () => new Promise(() => undefined);
      first.lose();
      lags.length = 0;
      answer.resolve('PONG');
      await new Promise(setImmediate);
      expect(lags).toEqual([]);
    });

    it('by the time that the event loop was busy when the heartbeat was due', async () => {
      const connection = new HandHeld();
      const { lags, changes } = listening();
      const link = linkWith({ changes, settings }, connection);
      await becomes(link, 'ready');
      await eventually('a heartbeat', () => lags.length > 0);
      const until = performance.now() + 100;
      while (performance.now() < until);
      const before = lags.length;
      await eventually('the next', () => lags.length > before);
      // It was due within the first 5 ms of these.
      expect(lags[before]).toBeGreaterThan(90);
    });
  });
});
