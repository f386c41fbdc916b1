import { join } from 'node:path';

/** Certificate, its key, and the authority that signed it, as PEM text. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** Directives of redis.conf, as they would stand there. An array becomes one line for each of its values. */
type RedisDirectives = Readonly<Record<string, string | readonly string[]>>;

export interface RedisConfigOptions {
  /** Further directives; they win over the defaults. */
  readonly config?: RedisDirectives;
  /** With TLS the port speaks nothing else. Client certificates are not asked for. */
  readonly tls?: TlsFiles;
  /** Users, each as after `user` in redis.conf: `alice on >secret ~shop:* +@read`. */
  readonly acl?: readonly string[];
  /** Be a sentinel instead of a server of keys, with these directives, each as after `sentinel` in sentinel.conf. */
  readonly sentinel?: readonly string[];
  /** Keep an append-only file, so that keys survive `kill` and `restart`. Default false. */
  readonly appendonly?: boolean;
}

/** The names of the files a server of ours has in its folder. */
export const redisFiles = {
  config: 'redis.conf',
  log: 'server.log',
  cert: 'tls.crt',
  key: 'tls.key',
  ca: 'ca.crt',
};

function lines(directives: RedisDirectives): string[] {
  return Object.entries(directives).flatMap(([name, value]) =>
    [value].flat().map((text) => `${name} ${text === '' ? '""' : text}`),
  );
}

/** The text of redis.conf for a server that listens on `port` of `host` and keeps to `folder`. */
export function redisConfig(host: string, port: number, folder: string, options: RedisConfigOptions): string {
  const { tls, acl = [], appendonly = false, config = {}, sentinel } = options;
  const plain = { port: String(port) };
  const secure = {
    port: '0',
    'tls-port': String(port),
    'tls-cert-file': join(folder, redisFiles.cert),
    'tls-key-file': join(folder, redisFiles.key),
    'tls-ca-cert-file': join(folder, redisFiles.ca),
    'tls-auth-clients': 'no',
  };
  const common = [
    ...lines({ bind: host, dir: folder, daemonize: 'no', logfile: '' }),
    ...lines(tls ? secure : plain),
  ];
  if (sentinel) return [...common, ...lines({ sentinel }), ...lines(config), ''].join('\n');
  return [
    ...common,
    ...lines({
      save: '',
      appendonly: appendonly ? 'yes' : 'no',
      'enable-debug-command': 'local',
      'always-show-logo': 'no',
    }),
    ...lines({ user: acl }),
    ...lines(config),
    '',
  ].join('\n');
}
