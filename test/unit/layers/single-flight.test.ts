import { describe, expect, it } from 'vitest';
import { SingleFlight, type FirstReads, type Flight } from '../../../src/layers/single-flight.js';
import { DEFAULT_POLICY } from '../../../src/manager/entry-options.js';

const reads: FirstReads = { firstRead: () => undefined, firstReadFailed: () => undefined };

function start<T>(flights: SingleFlight, key: string): Flight<T> {
  const loader = (): never => {
    throw new Error('not loaded here');
  };
  return flights.start<T>(
    { key, loader, policy: DEFAULT_POLICY, replaces: undefined, round: undefined },
    reads,
  );
}

describe('SingleFlight', () => {
  it('shares what is under way, and forgets it when it ends', async () => {
    const flights = new SingleFlight();
    const flight = start<number>(flights, 'k');
    expect(flights.get('k')).toBe(flight);
    expect(flights.get('other')).toBeUndefined();
    const answer = flight.attend(undefined);
    flight.settle(1);
    expect(await answer).toBe(1);
    expect(flights.size).toBe(0);
  });

  it('holds on to no answer once it was given, so that a flight that is kept by chance keeps no value', async () => {
    const flights = new SingleFlight();
    const flight = start<number>(flights, 'k');
    let stored = (): void => undefined;
    flight.afterwards = new Promise((resolve) => (stored = resolve));
    flight.settle(1);
    expect(await flights.get<number>('k')?.attend(undefined)).toBe(1);
    stored();
    await flights.settle();
    expect(() => flight.outcome).toThrow('over');
  });

  it('forgets what failed', async () => {
    const flights = new SingleFlight();
    const flight = start(flights, 'k');
    const answer = flight.attend(undefined);
    flight.fail(new Error('no'));
    await expect(answer).rejects.toThrow('no');
    expect(flights.size).toBe(0);
  });

  it('no longer shares what this process outdated, and tells it so', () => {
    const flights = new SingleFlight();
    const flight = start(flights, 'k');
    flights.outdate('k');
    expect(flight.outdated).toBe(true);
    expect(flights.get('k')).toBeUndefined();
  });

  it('keeps the newer flight when the outdated one ends', () => {
    const flights = new SingleFlight();
    const old = start(flights, 'k');
    flights.outdate('k');
    const fresh = start(flights, 'k');
    old.settle('old');
    expect(flights.get('k')).toBe(fresh);
  });

  it('outdates a load whose key somebody else changes, and no wait for somebody’s load', () => {
    const flights = new SingleFlight();
    const loading = start(flights, 'loading');
    loading.phase = 'loading';
    flights.changed('loading');
    expect(loading.outdated).toBe(true);
    expect(flights.get('loading')).toBeUndefined();

    const waiting = start(flights, 'waiting');
    waiting.phase = 'waiting';
    flights.changed('waiting');
    expect(waiting.outdated).toBe(false);
    expect(flights.get('waiting')).toBe(waiting);
  });

  it('goes on being shared while its value is being stored', async () => {
    const flights = new SingleFlight();
    const flight = start(flights, 'k');
    let stored: (() => void) | undefined;
    flight.afterwards = new Promise((resolve) => {
      stored = resolve;
    });
    flight.settle('value');
    expect(flights.get('k')).toBe(flight);
    stored?.();
    await flights.settle();
    expect(flights.get('k')).toBeUndefined();
  });

  it('lets one caller leave without the others, and aborts the work when all have left', async () => {
    const flights = new SingleFlight();
    const flight = start(flights, 'k');
    const first = new AbortController();
    const second = new AbortController();
    const answers = [first, second].map(({ signal }) => flight.attend(signal));
    first.abort(new Error('first left'));
    await expect(answers[0]).rejects.toThrow('first left');
    expect(flights.get('k')).toBe(flight);
    expect(flight.controller.signal.aborted).toBe(false);
    second.abort(new Error('second left'));
    await expect(answers[1]).rejects.toThrow('second left');
    expect(flight.controller.signal.aborted).toBe(true);
    expect(flights.get('k')).toBeUndefined();
    flight.settle('nobody waits');
  });
});
