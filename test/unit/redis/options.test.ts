import { describe, expect, it } from 'vitest';
import { serverAddress } from '../../../src/redis/options.js';

describe('the address in a URL', () => {
  it.each([
    [
      'redis://',
      { host: 'localhost', port: 6379, tls: false, database: 0, username: undefined, password: undefined },
    ],
    ['redis://cache.internal', { host: 'cache.internal', port: 6379 }],
    ['redis://h:1/', { host: 'h', port: 1, database: 0 }],
    ['rediss://h:1/15', { tls: true, database: 15 }],
    ['redis://:pw@h', { username: undefined, password: 'pw' }],
    ['redis://ada:p%40ss%2F%25@h', { username: 'ada', password: 'p@ss/%' }],
    ['redis://[::1]:7000', { host: '::1', port: 7000 }],
  ])('%s', (url, parts) => {
    expect(serverAddress({ url })).toMatchObject(parts);
  });

  it('gives way to options beside it', () => {
    const address = serverAddress({
      url: 'rediss://ada:a@h:1/1',
      host: 'other',
      port: 2,
      tls: false,
      username: 'bob',
      password: 'b',
      database: 2,
    });
    expect(address).toMatchObject({
      host: 'other',
      port: 2,
      tls: false,
      username: 'bob',
      password: 'b',
      database: 2,
    });
  });
});
