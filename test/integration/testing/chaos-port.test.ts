import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openPort } from '../../../src/redis/open-port.js';
import type { RedisPort, StateChange } from '../../../src/redis/port.js';
import { ChaosPort, type PortFault } from '../../../src/testing/index.js';
import { startRedis, type RedisServer } from '../../support/redis.js';

const SURE = { refused: 0, unanswered: 0, silent: 0, delayed: 0, outage: 0, forgotten: 0 } as const;
const only = (fault: PortFault): Record<PortFault, number> => ({ ...SURE, [fault]: 1 });
const SET = { key: 'k', args: ['SET', 'k', 'v'] } as const;

describe('a port in chaos', () => {
  let server: RedisServer;
  let bare: RedisPort;

  beforeAll(async () => {
    server = await startRedis();
    bare = openPort({ url: server.url, commandTimeout: '1s' }, { tracking: { of: 'reads' } });
    await bare.connect();
  });
  afterAll(async () => {
    await bare.close();
    await server.stop();
  });
  beforeEach(async () => {
    await server.cli('FLUSHALL');
    await bare.send({ key: '', args: ['PING'] }); // what is told of that has come by then
  });

  it('refuses what it does not send', async () => {
    const port = new ChaosPort(bare, { chances: only('refused') });
    await expect(port.send(SET)).rejects.toMatchObject({ code: 'TIERCEL_CONNECTION', outcome: 'not-done' });
    expect(await server.cli('EXISTS', 'k')).toBe(0);
    expect(port.counts.refused).toBe(1);
  });

  it('has done what it says that nobody knows of', async () => {
    const port = new ChaosPort(bare, { chances: only('unanswered') });
    await expect(port.send(SET)).rejects.toMatchObject({ code: 'TIERCEL_CONNECTION', outcome: 'unknown' });
    expect(await server.cli('GET', 'k')).toBe('v');
  });

  it('is silent up to the deadline, and no longer, whichever way it is asked', async () => {
    const port = new ChaosPort(bare, { chances: only('silent') });
    const began = performance.now();
    const deadline = began + 80;
    const [sent, got, many, all] = await Promise.all([
      port.send(SET, deadline).catch((error: unknown) => error),
      port.get('k', deadline).catch((error: unknown) => error),
      port.getMany(['k', 'l'], deadline),
      port.sendAll([SET, SET], deadline),
    ]);
    expect(performance.now() - began).toBeGreaterThanOrEqual(75);
    expect(performance.now() - began).toBeLessThan(500);
    for (const error of [sent, got, ...many, ...all])
      expect(error).toMatchObject({ code: 'TIERCEL_DEADLINE' });
    // Each is told its own key.
    expect(new Set([...many, ...all]).size).toBe(4);
    expect(await server.cli('GET', 'k')).toBe('v');
  });

  it('hands over late what it was answered, as it was', async () => {
    const port = new ChaosPort(bare, { chances: only('delayed'), delay: 100, seed: 3 });
    await server.cli('SET', 'k', 'first');
    const [answer, other] = [port.get('k'), bare.get('k')];
    expect(await Promise.race([answer.then(() => 'late'), other.then(() => 'at once')])).toBe('at once');
    expect(String(await answer)).toBe('first');
  });

  it('loses its connection with all that is under way, hears nothing meanwhile, and has a new one then', async () => {
    const port = new ChaosPort(bare, { chances: SURE });
    const changes: StateChange[] = [];
    const told: Array<string | null> = [];
    port.onStateChange((change) => changes.push(change));
    port.onInvalidate((key) => told.push(key));
    await port.get('k');
    const underWay = port.send(SET);
    port.lose(60_000);
    await expect(underWay).rejects.toMatchObject({ outcome: 'unknown' });
    await expect(port.get('k')).rejects.toMatchObject({ outcome: 'not-done' });
    expect(port.state).toBe('lost');
    const heard = port.lastHeard();
    await server.cli('SET', 'k', 'changed');
    await bare.send({ key: '', args: ['PING'] });
    expect([told, port.lastHeard()]).toEqual([[], heard]);
    port.calm();
    expect(port.state).toBe('ready');
    expect(changes.map(({ state, renewed }) => [state, renewed])).toEqual([
      ['lost', false],
      ['ready', true],
    ]);
    expect(String(await port.get('k'))).toBe('changed');
    await server.cli('DEL', 'k');
    await bare.send({ key: '', args: ['PING'] });
    expect(told).toEqual(['k']);
  });

  it('tells that any key may have been changed', async () => {
    const port = new ChaosPort(bare, { chances: only('forgotten') });
    const told: Array<string | null> = [];
    port.onInvalidate((key) => told.push(key));
    expect(await port.get('k')).toBeNull();
    expect(told).toEqual([null]);
  });

  it('draws the same for the same seed', async () => {
    const drawn = async (seed: number): Promise<string> => {
      const chances = { ...SURE, refused: 0.3, unanswered: 0.3 };
      const port = new ChaosPort(bare, { seed, chances });
      const outcomes: string[] = [];
      for (let i = 0; i < 40; i++) {
        outcomes.push(await port.send(SET).then(String, (error: { outcome: string }) => error.outcome));
      }
      return outcomes.join();
    };
    expect(await drawn(7)).toBe(await drawn(7));
    expect(await drawn(7)).not.toBe(await drawn(8));
  });

  it.each([
    [{ seed: 0.5 }, 'ChaosPort.seed: expected a whole number, got 0.5'],
    [{ chances: { refused: 2 } }, 'ChaosPort.chances.refused: expected a number from 0 to 1, got 2'],
    [{ chances: { refused: 0.9, silent: 0.9 } }, 'more than 1'],
    [{ delay: 'soon' as '1s' }, 'ChaosPort.delay'],
  ])('refuses %j', (options, message) => {
    expect(() => new ChaosPort(bare, options)).toThrow(message);
  });
});
