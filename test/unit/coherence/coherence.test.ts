import { afterEach, beforeEach, describe, expect, it, vi, type Mock } from 'vitest';
import { Coherence, type CoherentNamespace } from '../../../src/coherence/coherence.js';
import { Watches } from '../../../src/coherence/watches.js';
import type { PortState, StateChange } from '../../../src/redis/port.js';

/** A feed whose state and signs of life the test decides. */
class FakeFeed {
  state: PortState = 'connecting';
  heard = Infinity;
  tell: (key: string | null) => void = () => undefined;
  #onState: (change: StateChange) => void = () => undefined;

  onInvalidate(listener: (key: string | null) => void): void {
    this.tell = listener;
  }
  onStateChange(listener: (change: StateChange) => void): () => void {
    this.#onState = listener;
    return () => undefined;
  }
  onLag(): void {
    // Nothing of it concerns coherence.
  }
  lastHeard(): number {
    return this.heard;
  }
  become(state: PortState, renewed = false): void {
    const previous = this.state;
    this.state = state;
    this.#onState({ state, previous, renewed, cause: undefined });
  }
}

describe('coherence', () => {
  let feed: FakeFeed;
  let coherence: Coherence;
  type Calls = Omit<CoherentNamespace, 'prefix' | 'tagPrefix' | 'besidePrefixes'>;
  let namespace: { [K in keyof Calls]: Mock<Calls[K]> };

  const start = (maxStaleWhenDisconnected: number): void => {
    feed = new FakeFeed();
    coherence = new Coherence({
      feed,
      watches: new Watches(),
      maxStaleWhenDisconnected,
    });
    namespace = {
      changed: vi.fn(),
      tagChanged: vi.fn(),
      besideChanged: vi.fn(),
      unproven: vi.fn(),
      resumed: vi.fn(),
      expired: vi.fn(),
    };
    coherence.add({
      prefix: 'shop::',
      tagPrefix: 'shop:%tag::',
      besidePrefixes: ['%lease:{shop::'],
      ...namespace,
    });
    feed.heard = performance.now();
    feed.become('ready', true);
  };
  /** Signs of life come for so long. */
  const live = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 100) {
      await vi.advanceTimersByTimeAsync(100);
      feed.heard = performance.now();
    }
  };

  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    coherence.close();
    vi.useRealTimers();
  });

  it('keeps copies as long as signs of life come', async () => {
    start(600);
    await live(10_000);
    expect(namespace.expired).not.toHaveBeenCalled();
    expect(coherence.proves('shop::k')).toBe(true);
  });

  it('ends them when none came for so long, though nobody told of a loss, and keeps none until one comes', async () => {
    start(600);
    await live(2000);
    await vi.advanceTimersByTimeAsync(595);
    expect(namespace.expired).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(10);
    expect(namespace.expired).toHaveBeenCalledOnce();
    expect(coherence.proves('shop::k')).toBe(false);
    await vi.advanceTimersByTimeAsync(5000);
    expect(namespace.expired).toHaveBeenCalledOnce();
    feed.heard = performance.now();
    expect(coherence.proves('shop::k')).toBe(true);
    await live(1000);
    await vi.advanceTimersByTimeAsync(700);
    expect(namespace.expired).toHaveBeenCalledTimes(2);
  });

  it('counts from the last sign of life, not from when the loss was told', async () => {
    start(600);
    await vi.advanceTimersByTimeAsync(400);
    feed.become('silent');
    await vi.advanceTimersByTimeAsync(190);
    expect(namespace.expired).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(20);
    expect(namespace.expired).toHaveBeenCalledOnce();
  });

  it('with no time at all ends them with the loss', async () => {
    start(0);
    await live(1000);
    expect(namespace.expired).not.toHaveBeenCalled();
    feed.become('lost');
    await vi.advanceTimersByTimeAsync(2);
    expect(namespace.expired).toHaveBeenCalledOnce();
  });

  it('takes nothing that was learned over to a new connection', async () => {
    start(600);
    const { epoch } = coherence;
    feed.become('lost');
    expect(coherence.proves('shop::k')).toBe(false);
    feed.become('ready', true);
    expect(coherence.epoch).toBe(epoch + 1);
    expect(namespace.unproven).toHaveBeenCalledTimes(2);
  });

  it('leaves copies alone when a silent server speaks again', async () => {
    start(600);
    feed.become('silent');
    await vi.advanceTimersByTimeAsync(300);
    feed.heard = performance.now();
    feed.become('ready');
    await live(1000);
    expect(namespace.unproven).toHaveBeenCalledOnce();
    expect(namespace.expired).not.toHaveBeenCalled();
  });

  it('hands every change to the namespace that it concerns', () => {
    start(600);
    feed.tell('shop::k');
    feed.tell('shop:%tag::t');
    feed.tell('%refresh:shop::k');
    feed.tell('%lease:{shop::k}');
    feed.tell('other::k');
    expect(namespace.changed).toHaveBeenCalledExactlyOnceWith('k');
    expect(namespace.besideChanged).toHaveBeenCalledExactlyOnceWith('%lease:{shop::k}');
    expect(namespace.tagChanged).toHaveBeenCalledExactlyOnceWith('shop:%tag::t');
    feed.tell(null);
    expect(namespace.changed).toHaveBeenLastCalledWith(null, undefined);
  });
});
