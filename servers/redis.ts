import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from './free-port.js';
import { provisionRedis } from './provision/redis.js';
import type { RedisBinary } from './provision/redis-binary.js';
import { decodeReply, rawCommand, RawError, type RawAddress, type TextReply } from './raw-redis.js';
import { redisConfig, redisFiles, type RedisConfigOptions } from './redis-config.js';
import { launchRedis, type RedisProcess } from './redis-process.js';

export interface RedisOptions extends RedisConfigOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** Default: what `provisionRedis` finds. */
  readonly binary?: RedisBinary;
  /** Milliseconds until a server that does not answer is given up. Default 10,000. */
  readonly startTimeout?: number;
}

/** A Redis server of our own, on loopback. It does not outlive the process that started it. */
export interface RedisServer extends AsyncDisposable {
  /** `redis://` or `rediss://`, with the password if `requirepass` is set. */
  readonly url: string;
  readonly host: '127.0.0.1';
  readonly port: number;
  /** Of the server; in docker, of the client that runs the container. While it is down, the last one. Another one after `restart`. */
  readonly pid: number;
  /** Its own folder: configuration, log, persistence. */
  readonly dir: string;
  readonly binary: RedisBinary;
  /** Ends it in order, by force after 3 s, also when it is frozen; removes its folder. Harmless when it is down. */
  stop(): Promise<void>;
  /** SIGKILL; resolves when it is gone. The folder stays for `restart`. Harmless when it is down. */
  kill(): Promise<void>;
  /** SIGSTOP: connections stay open, new ones are accepted, and nothing is answered once this resolves. */
  freeze(): Promise<void>;
  /** SIGCONT. */
  thaw(): Promise<void>;
  /**
   * Starts it on the same port and folder, after ending it in order if it runs. Keys survive with `appendonly` only, and
   * not after `stop`, which removed the folder.
   */
  restart(): Promise<void>;
  /**
   * Sends one command on a connection of its own, as redis-cli would, and resolves with the reply as text.
   *
   * @throws RawError for an error reply; Error when nothing is answered within 5 s.
   */
  cli(...args: (string | Buffer)[]): Promise<TextReply>;
}

const host = '127.0.0.1';
const keeper = 'tiercel-keeper';

class PortTakenError extends Error {}

class OwnRedis implements RedisServer {
  readonly host = host;
  readonly port: number;
  readonly dir: string;
  readonly binary: RedisBinary;
  readonly #options: RedisOptions;
  readonly #address: RawAddress;
  #process: RedisProcess | undefined;

  constructor(binary: RedisBinary, port: number, dir: string, options: RedisOptions) {
    this.binary = binary;
    this.port = port;
    this.dir = dir;
    const { config = {}, acl, tls } = options;
    const base: RawAddress = { host, port, tls: tls && { ca: tls.ca } };
    if (acl === undefined) {
      this.#options = options;
      const password = config['requirepass'];
      this.#address = typeof password === 'string' ? { ...base, password } : base;
    } else {
      // Under ACLs the default user may be off, so `cli` has a user of its own.
      const password = randomBytes(16).toString('hex');
      this.#options = { ...options, acl: [...acl, `${keeper} on >${password} ~* &* +@all`] };
      this.#address = { ...base, username: keeper, password };
    }
  }

  get url(): string {
    const { tls, config = {} } = this.#options;
    const password = config['requirepass'];
    const login = typeof password === 'string' ? `:${encodeURIComponent(password)}@` : '';
    return `${tls ? 'rediss' : 'redis'}://${login}${host}:${this.port}`;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  async start(): Promise<void> {
    await this.#writeFiles();
    const launched = await launchRedis(
      this.binary,
      this.port,
      this.dir,
      this.#options.sentinel ? ['--sentinel'] : [],
    );
    this.#process = launched;
    try {
      await this.#untilReady(launched);
    } catch (error) {
      await this.kill();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.#endInOrder();
    await rm(this.dir, { recursive: true, force: true });
  }

  async kill(): Promise<void> {
    const running = this.#process;
    await running?.signal('SIGKILL');
    await running?.exited;
  }

  async freeze(): Promise<void> {
    const running = this.#running('freeze');
    await running.signal('SIGSTOP');
    await running.stopped();
  }

  async thaw(): Promise<void> {
    await this.#running('thaw').signal('SIGCONT');
  }

  async restart(): Promise<void> {
    await this.#endInOrder();
    await this.start();
  }

  async cli(...args: (string | Buffer)[]): Promise<TextReply> {
    return decodeReply(await rawCommand(this.#address, args));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #running(operation: string): RedisProcess {
    const running = this.#process;
    if (!running?.running) throw new Error(`cannot ${operation} the Redis on port ${this.port}: it is down`);
    return running;
  }

  async #endInOrder(): Promise<void> {
    const running = this.#process;
    if (!running?.running) return;
    await running.signal('SIGTERM');
    // A frozen server takes the SIGTERM only once it goes on.
    await running.signal('SIGCONT');
    const abort = new AbortController();
    const patience = pause(3_000, undefined, { signal: abort.signal }).catch(() => undefined);
    await Promise.race([running.exited, patience]);
    abort.abort();
    await this.kill();
  }

  async #writeFiles(): Promise<void> {
    const { tls } = this.#options;
    await mkdir(this.dir, { recursive: true, mode: 0o700 });
    await writeFile(join(this.dir, redisFiles.config), redisConfig(host, this.port, this.dir, this.#options));
    if (tls === undefined) return;
    await writeFile(join(this.dir, redisFiles.cert), tls.cert);
    await writeFile(join(this.dir, redisFiles.key), tls.key, { mode: 0o600 });
    await writeFile(join(this.dir, redisFiles.ca), tls.ca);
  }

  async #untilReady(launched: RedisProcess): Promise<void> {
    const deadline = performance.now() + (this.#options.startTimeout ?? 10_000);
    let last = 'no connection';
    while (launched.running && performance.now() < deadline) {
      const answer = await this.#answers();
      if (answer === true) return;
      last = answer;
      await pause(4);
    }
    const log = await this.#logTail();
    if (/address already in use/i.test(log)) throw new PortTakenError(`port ${this.port} is taken`);
    const what = launched.running ? `did not become ready (${last})` : 'ended while starting';
    throw new Error(`${this.binary.describe()} on port ${this.port} ${what}; its log ends:\n${log}`);
  }

  /** True when it is our server that answers and it has loaded its data; otherwise what there was instead. */
  async #answers(): Promise<true | string> {
    try {
      const reply = await rawCommand(this.#address, ['PING'], 1_000);
      if (reply !== 'PONG') return `PING was answered ${JSON.stringify(reply)}`;
      // Someone else's server on this port would answer as well, while ours is about to find the port taken.
      const info = String(decodeReply(await rawCommand(this.#address, ['INFO', 'server'], 1_000)));
      const ours = info.includes(join(this.dir, redisFiles.config));
      return ours || `another server listens on port ${this.port}`;
    } catch (error) {
      // Where even `cli` may not look, only the log tells that the server which refused it is ours.
      const refused = error instanceof RawError && /^(?:NOAUTH|NOPERM|WRONGPASS)/.test(error.message);
      if (refused && (await this.#logTail()).includes('Ready to accept connections')) return true;
      return (error as Error).message;
    }
  }

  async #logTail(): Promise<string> {
    const log = join(this.dir, redisFiles.log);
    return existsSync(log) ? (await readFile(log, 'utf8')).slice(-2_000) : '';
  }
}

/**
 * Starts a Redis (or Valkey) server: loopback only, nothing persisted, ready for commands when this resolves. Use it with
 * `await using`, or `stop` it.
 *
 * @throws Error if no server program can be had (with what helps), or if it does not come up (with the end of its log).
 */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const binary = options.binary ?? (await provisionRedis());
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort(host));
    const dir = await mkdtemp(join(tmpdir(), 'tiercel-redis-'));
    const server = new OwnRedis(binary, port, dir, options);
    try {
      await server.start();
      return server;
    } catch (error) {
      await server.stop();
      // Somebody was faster with this port: take another, unless this one was asked for.
      if (!(error instanceof PortTakenError) || options.port !== undefined || attempt === 5) throw error;
    }
  }
}
