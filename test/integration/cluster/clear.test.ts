import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { clearNamespace } from '../../../src/client/clear-namespace.js';
import { openPort } from '../../../src/redis/open-port.js';
import type { RedisPort } from '../../../src/redis/port.js';
import { startRedisCluster, type RedisCluster } from '../../../servers/redis-cluster.js';

describe('clearing a namespace of a Cluster', () => {
  let cluster: RedisCluster;
  let port: RedisPort;
  const closers: Array<() => unknown> = [];

  beforeAll(async () => {
    cluster = await startRedisCluster({ replicas: 0 });
    port = openPort({ cluster: [cluster.urls[0] as string], commandTimeout: '5s' });
    await port.connect();
  });
  afterAll(async () => {
    await port.close();
    await cluster.stop();
  });
  beforeEach(() => Promise.all(cluster.nodes.map((node) => node.cli('FLUSHALL'))));
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
  });

  const store = (keys: readonly string[]) =>
    port.sendAll(keys.map((key) => ({ key, args: ['SET', key, 'x'] })));

  async function allKeys(): Promise<string[]> {
    const keys = await Promise.all(cluster.nodes.map((node) => node.cli('KEYS', '*')));
    return keys.flat().map(String).sort();
  }

  it('reaches every node, never names keys of two slots in one command, and leaves others alone', async () => {
    await store([...Array.from({ length: 5000 }, (_, i) => `shop::${i}`), 'other::1', 'other::2']);
    expect(await clearNamespace(port, 'shop::')).toBe(5000);
    expect(await allKeys()).toEqual(['other::1', 'other::2']);
  });

  it('removes keys that are no text', async () => {
    const bytes = Buffer.from('73686f703a3aff00fe', 'hex');
    for (const node of cluster.nodes) {
      await node.cli('SET', bytes, 'x').catch(() => undefined); // only one of them takes it
    }
    expect(await allKeys()).toHaveLength(1);
    expect(await clearNamespace(port, 'shop::')).toBe(1);
    expect(await allKeys()).toEqual([]);
  });

  it('misses no key that moves meanwhile to a node that was gone over already', async () => {
    const tag = '{t}';
    const keys = Array.from({ length: 20 }, (_, i) => `shop::${tag}${i}`);
    await store(keys);
    const slot = await cluster.slotOf(tag);
    const from = await cluster.ownerOf(tag);
    const to = cluster.nodes.find((node) => node !== from);
    if (!to) throw new Error('there is one node only');
    await cluster.beginMigration(slot, from, to);
    // The keys move when the new node was gone over and before the old one is.
    let hasMoved = false;
    const servers = port.servers.map(
      (server): RedisPort =>
        new Proxy(server, {
          get(target, name) {
            if (name !== 'send') return bound(target, name);
            return async (...[command, deadline]: Parameters<RedisPort['send']>) => {
              const isSource = server.address.endsWith(`:${from.port}`);
              if (command.args[0] === 'SCAN' && isSource && !hasMoved) {
                hasMoved = true;
                await new Promise((resolve) => setTimeout(resolve, 100));
                await cluster.moveKeys(slot, from, to);
              }
              return target.send(command, deadline);
            };
          },
        }),
    );
    const watched = new Proxy(port, {
      get: (target, name) => (name === 'servers' ? servers : bound(target, name)),
    });
    await clearNamespace(watched, 'shop::');
    expect(hasMoved).toBe(true);
    expect(await allKeys()).toEqual([]);
    await cluster.endMigration(slot, from, to);
  });
});

function bound(target: RedisPort, name: string | symbol): unknown {
  const member: unknown = Reflect.get(target, name, target);
  return typeof member === 'function' ? member.bind(target) : member;
}
