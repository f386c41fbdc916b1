import { describe, expect, it } from 'vitest';
import { createCache, type RedisOptions } from 'tiercel';
import { clusterTarget } from '../../../src/cluster/cluster-options.js';

describe('the options of a Cluster', () => {
  it('have defaults, and take the login of any of the URLs for all nodes', () => {
    const { seeds, login, behaviour } = clusterTarget({
      cluster: [{ host: 'a', port: 1 }, 'rediss://ada:secret@b:2', { host: 'c' }],
    });
    expect(seeds).toEqual([
      { host: 'a', port: 1 },
      { host: 'b', port: 2 },
      { host: 'c', port: 6379 },
    ]);
    expect(login).toMatchObject({
      username: 'ada',
      password: 'secret',
      tls: true,
      database: 0,
      name: 'tiercel',
    });
    expect(behaviour).toMatchObject({
      maxRedirects: 3,
      readFrom: 'primary',
      maxReplicaLag: 1000,
      healthCheckInterval: 30_000,
    });
    expect(behaviour.translate({ host: 'x', port: 1 })).toEqual({ host: 'x', port: 1 });
  });

  it('prefer what stands beside the URLs', () => {
    const { login } = clusterTarget({
      cluster: ['redis://ada:secret@b:2'],
      username: 'bob',
      password: 'other',
    });
    expect(login).toMatchObject({ username: 'bob', password: 'other' });
  });

  it('map addresses by a list or a function, and leave the others alone', () => {
    const natMap = { '10.0.0.1:7000': { host: 'out', port: 9000 } };
    const inside = { host: '10.0.0.1', port: 7000 };
    for (const map of [natMap, (address: string) => natMap[address as '10.0.0.1:7000']]) {
      const { translate } = clusterTarget({ cluster: ['redis://a'], natMap: map }).behaviour;
      expect(translate(inside)).toEqual({ host: 'out', port: 9000 });
      expect(translate({ host: '10.0.0.2', port: 7000 })).toEqual({ host: '10.0.0.2', port: 7000 });
    }
  });

  it.each([
    [{ cluster: [] }, /redis\.cluster: expected one node at least.*got an array of 0/],
    [{ cluster: 'redis://a' }, /redis\.cluster: .*got 'redis:\/\/a'/],
    [{ cluster: [7] }, /redis\.cluster: expected a URL or \{ host, port \}.*got 7/],
    [{ cluster: [{ host: 'a', prot: 1 }] }, /unknown option 'prot'; did you mean 'port'/],
    [{ cluster: ['redis://a/3'] }, /database 0 only, got 3/],
    [{ cluster: ['redis://a'], database: 1 }, /unknown option 'database'/],
    [{ cluster: ['redis://a'], maxRedirects: -1 }, /redis\.maxRedirects: .*got -1/],
    [{ cluster: ['redis://a'], readFrom: 'slave' }, /redis\.readFrom: expected one of .*got 'slave'/],
    [{ cluster: ['redis://a'], maxReplicaLag: 0 }, /redis\.maxReplicaLag/],
    [{ cluster: ['redis://a'], healthCheckInterval: 'often' }, /redis\.healthCheckInterval/],
    [{ cluster: ['redis://a'], natMap: 'b' }, /redis\.natMap: .*got 'b'/],
    [{ cluster: ['redis://a'], natMap: { 'a:1': { host: 'b', port: 'c' } } }, /redis\.port: .*got 'c'/],
  ])('%j are refused at once', (redis, message) => {
    expect(() => createCache({ redis: redis as unknown as RedisOptions })).toThrow(message);
  });
});
