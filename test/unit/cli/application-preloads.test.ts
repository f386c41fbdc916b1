import { describe, expect, it } from 'vitest';
import { preloadRows } from '../../../src/cli/application-preloads.js';
import type { PreloadFrame } from '../../../src/dashboard/frame.js';

const NOW = 1_000_000_000_000;

function frame(changes: Partial<PreloadFrame> = {}): PreloadFrame {
  return {
    preloader: 0,
    name: 'posts',
    priority: 0,
    state: 'idle',
    runs: 1,
    failures: 0,
    failing: false,
    lastRunAt: NOW - 120_000,
    lastDuration: 250,
    lastWritten: 1500,
    nextTurnAt: NOW + 180_000,
    written: 1500,
    total: 1500,
    ...changes,
  };
}

/** Of one pattern, what stands beside its name. */
const textOf = (changes: Partial<PreloadFrame>): string | undefined =>
  preloadRows([frame(changes)], NOW)[0]?.[1];

describe('what the command line shows of a preloaded pattern', () => {
  it('is its last turn and its next', () => {
    expect(preloadRows([frame(), frame({ name: 'users', lastWritten: 7, lastDuration: 12 })], NOW)).toEqual([
      ['preload posts', 'last turn 2 min ago: 1,500 in 250 ms, next in 3 min'],
      ['preload users', 'last turn 2 min ago: 7 in 12 ms, next in 3 min'],
    ]);
  });

  it('begins with a bar while a turn runs', () => {
    expect(textOf({ state: 'running', written: 600 })).toBe(
      `${'█'.repeat(8)}${'░'.repeat(12)} 40%, 600 of 1,500, last turn 2 min ago: 1,500 in 250 ms, next in 3 min`,
    );
    const first: Partial<PreloadFrame> = { state: 'running', lastRunAt: undefined, lastDuration: undefined };
    expect(textOf({ ...first, written: 0, total: 10 })).toBe(
      `${'░'.repeat(20)} 0%, 0 of 10, no turn here yet, next in 3 min`,
    );
    expect(textOf({ ...first, written: 9, total: 0 })).toContain('█'.repeat(20));
  });

  it('counts where nobody knows how many there will be', () => {
    const { total: _, ...unknown } = frame({ state: 'running', written: 1200 });
    expect(preloadRows([unknown], NOW)[0]?.[1]).toMatch(/^1,200 so far, last turn/);
  });

  it('says who runs a turn, that it failed and why, and that there will be no other', () => {
    expect(textOf({ state: 'elsewhere' })).toMatch(/^another process is at it, /);
    expect(textOf({ state: 'waiting' })).toMatch(/^waits for its turn, /);
    expect(textOf({ lastError: 'the database is away\u001B[2J', nextTurnAt: undefined })).toBe(
      String.raw`last turn 2 min ago failed: the database is away\x1b[2J, stopped`,
    );
  });
});
