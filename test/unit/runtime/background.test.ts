import { describe, expect, it } from 'vitest';

import { runInBackground } from '../../../src/runtime/background.js';

function firstError(start: (onError: (error: unknown) => void) => void): Promise<unknown> {
  return new Promise(start);
}

async function unhandledDuring(action: () => void): Promise<unknown[]> {
  const unhandled: unknown[] = [];
  const listen = (error: unknown): void => {
    unhandled.push(error);
  };
  process.on('unhandledRejection', listen);
  try {
    action();
    // Node reports unhandled rejections once the microtasks of a turn are done.
    await new Promise(setImmediate);
    await new Promise(setImmediate);
  } finally {
    process.off('unhandledRejection', listen);
  }
  return unhandled;
}

describe('runInBackground', () => {
  it('reports the rejection of a promise', async () => {
    const failure = new Error('late');
    const reported = firstError((onError) => runInBackground(Promise.reject(failure), onError));
    expect(await reported).toBe(failure);
  });

  it('reports the rejection of a function', async () => {
    const failure = new Error('late');
    const reported = firstError((onError) => runInBackground(() => Promise.reject(failure), onError));
    expect(await reported).toBe(failure);
  });

  it('reports what a function throws at once, and does not throw itself', async () => {
    const failure = new Error('at once');
    const reported = firstError((onError) => {
      runInBackground(() => {
        throw failure;
      }, onError);
    });
    expect(await reported).toBe(failure);
  });

  it('starts a function at once', () => {
    let started = false;
    runInBackground(
      () => {
        started = true;
      },
      () => undefined,
    );
    expect(started).toBe(true);
  });

  it('says nothing when the work succeeds', async () => {
    const errors: unknown[] = [];
    const unhandled = await unhandledDuring(() => {
      runInBackground(Promise.resolve(1), (error) => errors.push(error));
    });
    expect(errors).toEqual([]);
    expect(unhandled).toEqual([]);
  });

  it('leaves no rejection unhandled, also when the reporter throws', async () => {
    const unhandled = await unhandledDuring(() => {
      runInBackground(Promise.reject(new Error('work')), () => {
        throw new Error('reporter');
      });
    });
    expect(unhandled).toEqual([]);
  });
});
