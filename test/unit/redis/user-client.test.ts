import { EventEmitter } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { borrow, type Emitter } from '../../../src/redis/drivers/user-client.js';

const setup = async () => {
  const client = new EventEmitter();
  const state = { ready: true };
  const connection = await borrow(client as unknown as Emitter, {
    isReady: () => state.ready,
    send: async () => 'OK',
    lossEvents: ['error', 'end'],
    signal: new AbortController().signal,
  });
  return { client, state, connection };
};

describe('a borrowed client', () => {
  it('tells of a loss once', async () => {
    const { client, state, connection } = await setup();
    const lost = vi.fn();
    connection.onLost(lost);
    state.ready = false;
    client.emit('error', new Error('cut'));
    client.emit('end');
    expect(lost).toHaveBeenCalledOnce();
  });

  it('tells of a loss that came before anyone listened, though the client is ready again', async () => {
    const { client, state, connection } = await setup();
    state.ready = false;
    client.emit('error', new Error('cut'));
    state.ready = true;
    const lost = vi.fn();
    connection.onLost(lost);
    expect(lost).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ message: 'cut' }));
  });

  it('takes an error that leaves it ready for none of ours', async () => {
    const { client, connection } = await setup();
    const lost = vi.fn();
    connection.onLost(lost);
    client.on('error', () => undefined);
    client.emit('error', new Error('something else'));
    expect(lost).not.toHaveBeenCalled();
  });

  it('leaves no listener behind when it is given back', async () => {
    const { client, connection } = await setup();
    connection.onLost(() => undefined);
    connection.release();
    expect(client.eventNames()).toEqual([]);
  });

  it('leaves no listener behind when it was waited for in vain', async () => {
    const client = new EventEmitter();
    const abort = new AbortController();
    const waiting = borrow(client as unknown as Emitter, {
      isReady: () => false,
      send: async () => 'OK',
      lossEvents: ['error'],
      signal: abort.signal,
    });
    abort.abort();
    await expect(waiting).rejects.toThrow(/was it told to connect/);
    expect(client.eventNames()).toEqual([]);
  });
});
