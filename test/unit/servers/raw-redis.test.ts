import { createServer, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { decodeReply, rawAddress, rawCommand, sendRaw } from '../../../servers/raw-redis.js';

describe('the raw Redis connection', () => {
  const cleanups: (() => void)[] = [];

  afterEach(() => {
    for (const cleanup of cleanups.splice(0)) cleanup();
  });

  /** A server that answers every connection with these pieces, one a turn, or with silence. */
  async function serverThatSays(...pieces: string[]) {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => {
        for (const piece of pieces) setImmediate(() => socket.write(piece));
      });
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    cleanups.push(() => server.close());
    return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
  }

  it('understands every kind of reply, also in pieces', async () => {
    const address = await serverThatSays(
      '*5\r\n+OK\r\n:4',
      '2\r\n$5\r\nhe',
      'llo\r\n$-1\r',
      '\n*1\r\n*-1\r\n',
    );
    const reply = await rawCommand(address, ['X']);
    expect(decodeReply(reply)).toEqual(['OK', 42, 'hello', null, [null]]);
  });

  it('throws the error the server answers', async () => {
    const address = await serverThatSays('-WRONGTYPE Operation against a key\r\n');
    await expect(rawCommand(address, ['X'])).rejects.toThrow('WRONGTYPE Operation against a key');
  });

  it('throws the refusal of the login', async () => {
    const address = await serverThatSays('-WRONGPASS no\r\n-NOAUTH\r\n');
    await expect(rawCommand({ ...address, password: 'x' }, ['X'])).rejects.toThrow('WRONGPASS no');
  });

  it('gives up on a server that never answers', async () => {
    const address = await serverThatSays();
    await expect(sendRaw(address, [['PING']], 30)).rejects.toThrow('did not answer PING within 30 ms');
  });

  it('reads addresses from URLs and never repeats a bad one', () => {
    expect(rawAddress('redis://bob:p%40ss@example.test:7000/2')).toEqual({
      host: 'example.test',
      port: 7000,
      username: 'bob',
      password: 'p@ss',
      tls: undefined,
    });
    expect(rawAddress('rediss://[::1]')).toMatchObject({ host: '::1', port: 6379, tls: {} });
    expect(() => rawAddress('http://user:secret@host')).toThrow(/^(?!.*secret).*redis:\/\//);
  });
});
