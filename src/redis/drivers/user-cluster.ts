import type { NodeAddress } from '../../cluster/redirection.js';
import type { Connection, Driver } from '../connection.js';
import type { CommandArgument, Reply } from '../port.js';
import { COMMAND_OPTIONS, NodeRedisConnection, type OwnNodeRedis } from './node-redis-connection.js';
import { isErrorReply } from './user-node-redis.js';

/**
 * A client of a Cluster that the application has made. It is a pattern, not a carrier: every connection is one of our own, made
 * as its own are (same login, same TLS), since the libraries differ in which nodes they connect to and when, queue while they
 * are offline, and are slow to find a new primary. Nothing is sent through the client itself, and it is never closed.
 */
export interface UserCluster {
  /** Whether its connections can tell of keys that change. */
  readonly canTrack: boolean;
  /** The nodes it knows; none before it is connected. */
  seeds(): NodeAddress[];
  /** The address map it was given. */
  translate(address: NodeAddress): NodeAddress | undefined;
  driver(address: NodeAddress, tracking: boolean, connectTimeout: number): Driver;
}

/** Undefined where it is no client of a Cluster that is known here. */
export function userCluster(client: unknown): UserCluster | undefined {
  if (typeof client !== 'object' || client === null) return undefined;
  if ('isCluster' in client && client.isCluster === true && 'nodes' in client) {
    return ioredisCluster(client as unknown as IoredisCluster);
  }
  if ('nodeByAddress' in client && 'nodeClient' in client)
    return nodeRedisCluster(client as unknown as NodeRedisCluster);
  return undefined;
}

type AddressMap =
  | Readonly<Record<string, NodeAddress>>
  | ((address: string) => NodeAddress | null | undefined);

function mapped(map: AddressMap | undefined, { host, port }: NodeAddress): NodeAddress | undefined {
  const name = `${host}:${port}`;
  return (typeof map === 'function' ? map(name) : map?.[name]) ?? undefined;
}

/** What is used of a cluster of `@redis/client`, version 5 or 6. */
interface NodeRedisCluster {
  readonly masters: readonly NodeRedisNode[];
  readonly nodeByAddress: ReadonlyMap<string, NodeRedisNode>;
  nodeClient(node: NodeRedisNode): Promise<NodeRedisNodeClient>;
}
interface NodeRedisNode {
  readonly host: string;
  readonly port: number;
}
interface NodeRedisNodeClient {
  readonly options?: { readonly socket?: object };
  duplicate(overrides: object): OwnNodeRedis;
}

function nodeRedisCluster(cluster: NodeRedisCluster): UserCluster {
  const open = async (
    address: NodeAddress,
    tracking: boolean,
    connectTimeout: number,
    signal: AbortSignal,
  ): Promise<Connection> => {
    const [node] = cluster.masters;
    if (!node) throw notConnected();
    const pattern = await cluster.nodeClient(node);
    signal.throwIfAborted();
    const client = pattern.duplicate({
      socket: { ...pattern.options?.socket, ...address, connectTimeout, reconnectStrategy: false },
      disableOfflineQueue: true,
      commandOptions: COMMAND_OPTIONS,
      maintNotifications: 'disabled',
      clientSideCache: undefined,
      emitInvalidate: tracking,
      ...(tracking && { RESP: 3 }),
    });
    return NodeRedisConnection.open(client, signal);
  };
  return {
    canTrack: true,
    seeds: () => [...cluster.nodeByAddress.values()].map(({ host, port }) => ({ host, port })),
    translate: (address) => mapped(addressMapOf(cluster), address),
    driver: (address, tracking, connectTimeout) => ({
      name: '@redis/client (as the application’s)',
      address: `${address.host}:${address.port}`,
      open: (signal) => open(address, tracking, connectTimeout, signal),
      isReplyError: isErrorReply,
    }),
  };
}

/** The library does not show what it was given; where it keeps that, it has kept it since version 4. */
function addressMapOf(cluster: NodeRedisCluster): AddressMap | undefined {
  const options: unknown = Reflect.get(cluster, '_options');
  return (options as { readonly nodeAddressMap?: AddressMap } | undefined)?.nodeAddressMap;
}

/** What is used of a `Cluster` of `ioredis`, version 5 or 6. */
interface IoredisCluster {
  readonly options: { readonly natMap?: AddressMap };
  nodes(role: 'all'): readonly IoredisNode[];
}
interface IoredisNode {
  readonly options: { readonly host?: string; readonly port?: number };
  duplicate(overrides: object): OwnIoredis;
}
interface OwnIoredis {
  readonly status: string;
  connect(): Promise<unknown>;
  disconnect(): void;
  on(event: string, listener: (...args: never[]) => void): unknown;
  callBuffer(command: string, ...args: CommandArgument[]): Promise<unknown>;
}

function ioredisCluster(cluster: IoredisCluster): UserCluster {
  const open = async (
    address: NodeAddress,
    connectTimeout: number,
    signal: AbortSignal,
  ): Promise<Connection> => {
    const [pattern] = cluster.nodes('all');
    if (!pattern) throw notConnected();
    const client = pattern.duplicate({
      ...address,
      connectTimeout,
      lazyConnect: true,
      readOnly: false,
      keyPrefix: '',
      retryStrategy: () => null,
      reconnectOnError: null,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
    });
    // An EventEmitter with no listener for `error` throws. The loss itself is told through `onLost`.
    client.on('error', () => undefined);
    const abandon = (): void => client.disconnect();
    signal.addEventListener('abort', abandon, { once: true });
    try {
      await client.connect();
      return ioredisConnection(client);
    } finally {
      signal.removeEventListener('abort', abandon);
    }
  };
  return {
    canTrack: false,
    seeds: () =>
      cluster
        .nodes('all')
        .map(({ options: { host = '127.0.0.1', port = 6379 } }): NodeAddress => ({ host, port })),
    translate: (address) => mapped(cluster.options.natMap, address),
    driver: (address, _tracking, connectTimeout) => ({
      name: 'ioredis (as the application’s)',
      address: `${address.host}:${address.port}`,
      open: (signal) => open(address, connectTimeout, signal),
      isReplyError: (error) => error instanceof Error && error.name === 'ReplyError',
    }),
  };
}

function ioredisConnection(client: OwnIoredis): Connection {
  let isOver = false;
  return {
    send: (args) => client.callBuffer(String(args[0]), ...args.slice(1)) as Promise<Reply>,
    onLost(listener) {
      const lost = (): void => {
        if (isOver) return;
        isOver = true;
        client.disconnect();
        listener(new Error('the connection was closed'));
      };
      client.on('close', lost);
      client.on('end', lost);
      if (client.status !== 'ready') lost();
    },
    release() {
      isOver = true;
      client.disconnect();
    },
  };
}

function notConnected(): Error {
  return new Error('the application’s client of the Cluster knows no nodes; was it told to connect?');
}
