import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PublisherLog } from '../../../src/coherence/publisher-log.js';

describe('the numbers of messages', () => {
  const onUnproven = vi.fn();
  let log: PublisherLog;
  const heard = (...numbers: number[]): void => {
    for (const n of numbers) log.change('p', n);
  };
  /** Longer than a message is waited for. */
  const wait = (): Promise<unknown> => vi.advanceTimersByTimeAsync(300);

  beforeEach(() => {
    vi.useFakeTimers();
    onUnproven.mockReset();
    log = new PublisherLog(onUnproven);
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('in order prove that all was heard', async () => {
    heard(1, 2, 3, 4);
    log.soFar('p', 4);
    await wait();
    expect(onUnproven).not.toHaveBeenCalled();
  });

  it('out of order prove it too', async () => {
    heard(3, 1, 2, 6, 5);
    log.soFar('p', 6);
    heard(4);
    await wait();
    expect(onUnproven).not.toHaveBeenCalled();
  });

  it.each([
    ['between others', () => heard(1, 3)],
    ['at the end', () => (heard(1), log.soFar('p', 2))],
    ['at the beginning', () => heard(2)],
  ])('that are missing %s are waited for, and then disprove it once', async (_, tell) => {
    tell();
    expect(onUnproven).not.toHaveBeenCalled();
    await wait();
    expect(onUnproven).toHaveBeenCalledExactlyOnceWith('p');
    heard(4);
    log.soFar('p', 4);
    await wait();
    expect(onUnproven.mock.calls.length).toBeLessThanOrEqual(2);
  });

  it('of which some are always late, though none is missing, disprove nothing', async () => {
    for (let n = 1; n < 100; n += 2) {
      heard(n + 1);
      await vi.advanceTimersByTimeAsync(50);
      heard(n);
    }
    await wait();
    expect(onUnproven).not.toHaveBeenCalled();
  });

  it('that go on after a loss prove what comes after it', async () => {
    heard(1, 3, 4);
    await wait();
    expect(onUnproven).toHaveBeenCalledOnce();
    heard(5, 6);
    log.soFar('p', 6);
    await wait();
    expect(onUnproven).toHaveBeenCalledOnce();
  });

  it('of one that is first heard of in the middle disprove what was before', async () => {
    log.soFar('p', 7);
    expect(onUnproven).toHaveBeenCalledOnce();
    heard(8, 9);
    await wait();
    expect(onUnproven).toHaveBeenCalledOnce();
  });

  it('that begin anew disprove what was before', () => {
    heard(1, 2, 3);
    heard(1);
    expect(onUnproven).toHaveBeenCalledOnce();
    heard(2, 3);
    expect(onUnproven).toHaveBeenCalledOnce();
  });

  it('are counted for each publisher', async () => {
    log.change('p', 1);
    log.change('q', 1);
    log.change('p', 2);
    log.soFar('q', 1);
    log.soFar('r', 0);
    await wait();
    expect(onUnproven).not.toHaveBeenCalled();
  });

  it('of an earlier subscription say nothing', async () => {
    heard(1, 3);
    log.forget();
    await wait();
    expect(onUnproven).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('of many publishers are not kept for ever', () => {
    for (let i = 0; i < 10_050; i++) log.change(`p${i}`, 1);
    expect(onUnproven).not.toHaveBeenCalled();
    log.change('p0', 2); // forgotten, and so heard of for the first time
    expect(vi.getTimerCount()).toBe(1);
  });
});
