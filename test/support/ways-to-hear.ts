import { createClient } from '@redis/client';
import { Redis as Ioredis6 } from 'ioredis';
import { Redis as Ioredis5 } from 'ioredis5';
import type { CoherenceMode } from 'tiercel';
import type { WayToRedis } from './clients.js';

/** One way for a process to hear of changes: a way to Redis, and a mode in which it can hear there. */
export interface WayToHear extends WayToRedis {
  readonly coherence: CoherenceMode;
  /** Whether it hears of what anyone does, and not only of what caches do. */
  readonly hearsAnyone: boolean;
  /** Whether what is loaded or set here is kept here at once, and not only once it is read. */
  readonly keepsItsOwn: boolean;
  /** What the client puts before every key. */
  readonly keyPrefix: string;
}

const nothing = (): void => undefined;

const url: WayToRedis['open'] = async (to, timing) => ({ redis: { url: to, ...timing }, end: nothing });

const threeConnections: WayToRedis['open'] = async (to, timing) => ({
  redis: { url: to, connections: 3, ...timing },
  end: nothing,
});

const nodeRedis =
  (options: { readonly RESP?: 2 | 3; readonly emitInvalidate?: boolean }): WayToRedis['open'] =>
  async (to, timing) => {
    const client = createClient({ url: to, socket: { reconnectStrategy: 50 }, ...options });
    client.on('error', nothing);
    await client.connect();
    return { redis: { client, ...timing }, end: () => client.destroy() };
  };

/** Of the two major versions what is used here is the same. */
type Ioredis = new (url: string, options: object) => Ioredis6;

const ioredis =
  (Client: unknown, options: { readonly keyPrefix?: string } = {}): WayToRedis['open'] =>
  async (to, timing) => {
    const client = new (Client as Ioredis)(to, {
      retryStrategy: () => 50,
      maxRetriesPerRequest: 0,
      ...options,
    });
    client.on('error', nothing);
    return { redis: { client, ...timing }, end: () => client.disconnect() };
  };

function way(
  name: string,
  coherence: CoherenceMode,
  open: WayToRedis['open'],
  { keepsItsOwn = coherence === 'pubsub', keyPrefix = '' } = {},
): WayToHear {
  const hearsAnyone = coherence !== 'pubsub';
  return { name: `${name} by ${coherence}`, coherence, hearsAnyone, keepsItsOwn, keyPrefix, open };
}

/** Every driver in every mode that it can. */
export const waysToHear: readonly WayToHear[] = [
  way('a URL', 'tracking', url, { keepsItsOwn: true }),
  way('a URL', 'broadcast', url),
  way('a URL', 'pubsub', url),
  way('three connections', 'tracking', threeConnections, { keepsItsOwn: true }),
  way('three connections', 'pubsub', threeConnections),
  way('@redis/client made to tell', 'tracking', nodeRedis({ RESP: 3, emitInvalidate: true })),
  way('@redis/client made to tell', 'broadcast', nodeRedis({ RESP: 3, emitInvalidate: true })),
  way('@redis/client', 'broadcast', nodeRedis({})),
  way('@redis/client of RESP2', 'pubsub', nodeRedis({ RESP: 2 })),
  way('ioredis 6', 'broadcast', ioredis(Ioredis6)),
  way('ioredis 5', 'broadcast', ioredis(Ioredis5)),
  way('ioredis 5 with a key prefix', 'broadcast', ioredis(Ioredis5, { keyPrefix: 'app:' }), {
    keyPrefix: 'app:',
  }),
  way('ioredis 6', 'pubsub', ioredis(Ioredis6)),
];

/** Fewer, where what differs is only who tells, and whether in order with the answers, and with what kind of client. */
export const waysOfEachKind: readonly WayToHear[] = waysToHear.filter(({ name }) =>
  [
    'a URL by tracking',
    'a URL by broadcast',
    'a URL by pubsub',
    '@redis/client made to tell by tracking',
    '@redis/client by broadcast',
    'ioredis 6 by broadcast',
    'ioredis 5 by broadcast',
  ].includes(name),
);
