import { InvalidOptionError } from '../../errors.js';
import { describeValue, positiveInteger, rejectUnknownOptions } from '../../validate.js';
import { SERVER, serverAddress, type RedisSentinelOptions, type ServerAddress } from '../options.js';

/** Whom to ask for a primary, and as whom to connect to it, checked and complete. */
export interface SentinelSettings {
  /** What the sentinels call the primary. */
  readonly name: string;
  readonly sentinels: readonly ServerAddress[];
  /** The address of the primary but for `host` and `port`, which the sentinels tell. */
  readonly login: Omit<ServerAddress, 'host' | 'port'>;
}

const LOGIN = SERVER.filter((option) => !['url', 'host', 'port'].includes(option));
const DEFAULT_PORT = 26_379;

/** @throws InvalidOptionError */
export function sentinelSettings(options: RedisSentinelOptions): SentinelSettings {
  rejectUnknownOptions(options, ['sentinel', ...LOGIN], 'redis');
  const { sentinel, ...login } = options;
  const where = 'redis.sentinel';
  rejectUnknownOptions(sentinel, ['name', 'nodes', 'username', 'password', 'tls'], where);
  const { name, nodes, ...own } = sentinel;
  if (typeof name !== 'string' || name === '') {
    throw new InvalidOptionError(`${where}.name: expected the name of a primary, got ${describeValue(name)}`);
  }
  if (!Array.isArray(nodes) || nodes.length === 0) {
    throw new InvalidOptionError(
      `${where}.nodes: expected a list of at least one sentinel, got ${describeValue(nodes)}`,
    );
  }
  const sentinels = nodes.map((node: SentinelNode, i) => {
    rejectUnknownOptions(node, ['host', 'port'], `${where}.nodes[${i}]`);
    const port = positiveInteger(node.port ?? DEFAULT_PORT, `${where}.nodes[${i}].port`, { max: 65_535 });
    return serverAddress({ ...node, ...own, port, name: login.name ?? 'tiercel' });
  });
  const { host: _, port: __, ...rest } = serverAddress(login);
  return { name, sentinels, login: rest };
}

type SentinelNode = RedisSentinelOptions['sentinel']['nodes'][number];
