import { createClient, createCluster } from '@redis/client';
import { Cluster as Cluster6, Redis as Ioredis6 } from 'ioredis';
import { Cluster as Cluster5, Redis as Ioredis5 } from 'ioredis5';
import type { RedisOptions, RedisTimingOptions } from 'tiercel';
import { sentinelFor } from './sentinel-for.js';

/** One way for an application to give Tiercel its Redis. */
export interface WayToRedis {
  readonly name: string;
  /** The option `redis`, and what ends the application's own client. */
  open(url: string, timing?: RedisTimingOptions): Promise<{ redis: RedisOptions; end: () => void }>;
}

const nothing = (): void => undefined;

/** The same over a Redis Cluster, by the URL of any of its nodes. */
export const waysToCluster: readonly WayToRedis[] = [
  {
    name: 'a Cluster',
    open: async (url, timing) => ({ redis: { cluster: [url], ...timing }, end: nothing }),
  },
  {
    name: 'a cluster of @redis/client',
    async open(url, timing) {
      const client = createCluster({ rootNodes: [{ url }] });
      client.on('error', nothing);
      await client.connect();
      return { redis: { client, ...timing }, end: () => client.destroy() };
    },
  },
  {
    name: 'a Cluster of ioredis 6',
    async open(url, timing) {
      const client = new Cluster6([url]);
      client.on('error', nothing);
      return { redis: { client, ...timing }, end: () => client.disconnect() };
    },
  },
  {
    name: 'a Cluster of ioredis 5',
    async open(url, timing) {
      const client = new Cluster5([url]);
      client.on('error', nothing);
      return { redis: { client, ...timing }, end: () => client.disconnect() };
    },
  },
];

/** Every driver must behave the same: contract suites run over all of them. */
export const waysToRedis: readonly WayToRedis[] = [
  {
    name: 'a URL',
    open: async (url, timing) => ({ redis: { url, ...timing }, end: nothing }),
  },
  {
    name: 'three connections',
    open: async (url, timing) => ({ redis: { url, connections: 3, ...timing }, end: nothing }),
  },
  {
    name: 'a client of @redis/client',
    async open(url, timing) {
      const client = createClient({ url, socket: { reconnectStrategy: 50 } });
      client.on('error', nothing);
      await client.connect();
      return { redis: { client, ...timing }, end: () => client.destroy() };
    },
  },
  {
    name: 'a client of ioredis 6',
    async open(url, timing) {
      const client = new Ioredis6(url, { retryStrategy: () => 50, maxRetriesPerRequest: 0 });
      client.on('error', nothing);
      return { redis: { client, ...timing }, end: () => client.disconnect() };
    },
  },
  {
    name: 'a client of ioredis 5',
    async open(url, timing) {
      const client = new Ioredis5(url, { retryStrategy: () => 50, maxRetriesPerRequest: 0 });
      client.on('error', nothing);
      return { redis: { client, ...timing }, end: () => client.disconnect() };
    },
  },
  {
    // All on one server, so that suites find every key where they look for it.
    name: 'three shards',
    open: async (url, timing) => ({
      redis: { shards: ['a', 'b', 'c'].map((name) => ({ url, name })), ...timing },
      end: nothing,
    }),
  },
  {
    name: 'Sentinel',
    open: async (url, timing) => ({ redis: { ...(await sentinelFor(url)), ...timing }, end: nothing }),
  },
];
