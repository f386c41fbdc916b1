import { describe, expect, it } from 'vitest';
import type { PortState, RedisPort, StateChange } from '../../../src/redis/port.js';
import { Recovery, type Recoverable } from '../../../src/recovery/recovery.js';

/** Only what recovery looks at: the state of the link, and news of it. */
class FakePort {
  state: PortState = 'ready';
  #listener: (change: StateChange) => void = () => undefined;

  onStateChange(listener: (change: StateChange) => void): () => void {
    this.#listener = listener;
    return () => undefined;
  }

  become(state: PortState, replaced = false): void {
    const previous = this.state;
    this.state = state;
    this.#listener({ state, previous, renewed: replaced, replaced, cause: undefined });
  }
}

class FakeLog implements Recoverable {
  pending = false;
  replays = 0;
  failing = false;
  /** Runs within a replay, once what is there was told. */
  during: () => void = () => undefined;
  recalls = 0;

  recall(): void {
    this.recalls++;
    this.pending = true;
  }

  async replay(): Promise<boolean> {
    this.replays++;
    if (this.failing) return false;
    this.pending = false;
    this.during();
    return !this.pending;
  }
}

function setUp(logs: readonly FakeLog[]): { port: FakePort; recovery: Recovery } {
  const port = new FakePort();
  const recovery = new Recovery(port as unknown as RedisPort, (error) => {
    throw error;
  });
  for (const log of logs) recovery.add(log);
  return { port, recovery };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('Recovery', () => {
  it('replays at once where Redis answers, and with the next connection where it does not', async () => {
    const log = new FakeLog();
    const { port, recovery } = setUp([log]);
    log.pending = true;
    recovery.start();
    await turn();
    expect(log.pending).toBe(false);

    port.become('lost');
    log.pending = true;
    recovery.start();
    await turn();
    expect(log.pending).toBe(true);
    port.become('ready');
    await turn();
    expect(log.pending).toBe(false);
  });

  it('replays what was added to a log that the replay had passed', async () => {
    const passed = new FakeLog();
    const slow = new FakeLog();
    const { recovery } = setUp([passed, slow]);
    slow.pending = true;
    slow.during = () => {
      passed.pending = true;
      recovery.start();
    };
    recovery.start();
    await turn();
    expect(passed.pending).toBe(false);
  });

  it('replays to the servers that are there while others are away', async () => {
    const log = new FakeLog();
    const { port, recovery } = setUp([log]);
    port.become('degraded');
    log.pending = true;
    recovery.start();
    await turn();
    expect(log.pending).toBe(false);
  });

  it('does not begin again for each thing that is added while what failed has its next turn', async () => {
    const log = new FakeLog();
    const { recovery } = setUp([log]);
    log.pending = true;
    log.failing = true;
    recovery.start();
    await turn();
    for (let i = 0; i < 100; i++) recovery.start();
    await turn();
    expect(log.replays).toBe(1);
    await recovery.close();
  });

  it('does not wait for that turn when a server is there again, also one that comes while a replay runs', async () => {
    const log = new FakeLog();
    const { port, recovery } = setUp([log]);
    log.pending = true;
    log.failing = true;
    recovery.start();
    port.become('degraded');
    log.failing = false;
    port.become('degraded');
    await turn();
    expect(log.pending).toBe(false);
    await recovery.close();
  });

  it('has all that is remembered told again when another server has taken over, and at no other time', async () => {
    const log = new FakeLog();
    const { port } = setUp([log]);
    port.become('lost');
    port.become('ready', true);
    expect(log.recalls).toBe(1);
    expect(log.replays).toBe(1);
    await turn();
    expect(log.pending).toBe(false);
    port.become('lost');
    port.become('ready');
    expect(log.recalls).toBe(1);
  });

  it('tells what is left when it closes, without waiting for its turn to try again', async () => {
    const log = new FakeLog();
    const { recovery } = setUp([log]);
    log.pending = true;
    log.failing = true;
    recovery.start();
    await turn();
    log.failing = false;
    await recovery.close();
    expect(log.pending).toBe(false);
  });

  it('closes at once where Redis is away', async () => {
    const log = new FakeLog();
    const { port, recovery } = setUp([log]);
    port.become('lost');
    log.pending = true;
    await recovery.close();
    expect(log.replays).toBe(0);
  });

  it('begins nothing after it was closed', async () => {
    const log = new FakeLog();
    const { port, recovery } = setUp([log]);
    await recovery.close();
    log.pending = true;
    recovery.start();
    port.become('ready');
    await turn();
    expect(log.replays).toBe(0);
  });
});
