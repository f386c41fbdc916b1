import { afterEach, describe, expect, it } from 'vitest';
import type { Connection, Driver } from '../../../src/redis/connection.js';
import { LinkPool } from '../../../src/redis/link-pool.js';
import { poolSettings } from '../../../src/redis/options.js';
import type { PortState } from '../../../src/redis/port.js';
import { ServerClock } from '../../../src/redis/server-clock.js';
import { eventually } from '../../support/eventually.js';

/** Connects at once, until it is told not to, and loses a connection when a test wants. */
class FakeDriver implements Driver {
  readonly name = 'fake';
  readonly address = 'nowhere';
  readonly losses: Array<(cause: unknown) => void> = [];
  refuses = false;
  closed = 0;

  async open(): Promise<Connection> {
    if (this.refuses) throw new Error('refused');
    return {
      send: async ([name]) => (name === 'TIME' ? ['1', '0'] : 'OK'),
      onLost: (listener) => void this.losses.push(listener),
      release: () => undefined,
    };
  }

  isReplyError(): boolean {
    return false;
  }

  close(): void {
    this.closed++;
  }
}

describe('LinkPool', () => {
  const closers: Array<() => void> = [];
  afterEach(() => {
    for (const close of closers.splice(0)) close();
  });

  /** Three links, all of them connected. */
  async function setUp() {
    const driver = new FakeDriver();
    const pool = new LinkPool(driver, poolSettings({ connections: 3 }), new ServerClock());
    closers.push(() => pool.close());
    for (let i = 0; pool.open.length < 3; i++) pool.for(`key ${i}`);
    await eventually('all are connected', () => pool.open.every(({ state }) => state === 'ready'));
    return { driver, pool };
  }

  it('is degraded while one of its links is lost, whatever the others tell', async () => {
    const { driver, pool } = await setUp();
    const told: PortState[] = [];
    pool.onStateChange(({ state }) => told.push(state));
    expect(pool.state).toBe('ready');
    driver.refuses = true;
    driver.losses[1]?.(new Error('gone'));
    expect(pool.state).toBe('degraded');
    driver.losses[2]?.(new Error('gone'));
    await eventually('further attempts are told of', () => told.length > 4);
    expect(new Set(told)).toEqual(new Set(['degraded']));
    driver.losses[0]?.(new Error('gone'));
    expect(pool.state).toBe('lost');
  });

  it('is ready while a link is opened for the first key that needs it', async () => {
    const driver = new FakeDriver();
    const pool = new LinkPool(driver, poolSettings({ connections: 3 }), new ServerClock());
    closers.push(() => pool.close());
    await eventually('the first is connected', () => pool.state === 'ready');
    for (let i = 0; pool.open.length < 3; i++) pool.for(`key ${i}`);
    expect(pool.state).toBe('ready');
  });

  it('ends with its links what the driver keeps', async () => {
    const { driver, pool } = await setUp();
    pool.close();
    expect(pool.state).toBe('closed');
    expect(driver.closed).toBe(1);
  });
});
