import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { InvalidOptionError } from '../errors.js';
import { describeValue, rejectUnknownOptions } from '../validate.js';
import { FaultyPipe, type Slowness } from './faulty-pipe.js';
import { seededRandom } from './seeded-random.js';

/** Where the server is that a proxy stands before. */
export interface FaultProxyTarget {
  /** Default `127.0.0.1`. */
  readonly host?: string;
  readonly port: number;
  /** Of jitter and garbage. Default 1. */
  readonly seed?: number;
}

/** How a network is slow; what is left out is not. */
export interface SlowNetwork {
  /** Milliseconds that each chunk takes in each direction. */
  readonly latency?: number;
  /** Milliseconds at most that are added to that at random. */
  readonly jitter?: number;
  /** Bytes a second in each direction. */
  readonly bandwidth?: number;
}

interface Pair {
  readonly client: Socket;
  readonly target: Socket;
  readonly pipes: readonly [up: FaultyPipe, down: FaultyPipe];
}

/**
 * Stands between a client and a server, in this process, and does to what passes what networks do: delay it, lose it, cut it in the
 * middle, or hand over garbage. It listens on loopback, on a port of its own.
 *
 * ```ts
 * await using proxy = await FaultProxy.to({ port: 6379 });
 * const cache = createCache({ redis: proxy.url });
 * proxy.blackHole(); // what a firewall does that forgot the connection
 * ```
 */
export class FaultProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #random: () => number;
  readonly #pairs = new Set<Pair>();
  #slowness: Slowness | undefined;
  #refuses = false;
  /** What becomes of the next answer; then nothing any more. */
  #nextAnswer: ((chunk: Buffer, pair: Pair) => Buffer) | undefined;
  #accepted = 0;

  private constructor({ host = '127.0.0.1', port, seed = 1 }: FaultProxyTarget) {
    this.#target = { host, port };
    this.#random = seededRandom(seed);
    this.#server = createServer((client) => this.#join(client));
  }

  /**
   * @param target - the port of a server on loopback, or where it is.
   * @throws InvalidOptionError
   */
  static async to(target: number | FaultProxyTarget): Promise<FaultProxy> {
    const given = typeof target === 'number' ? { port: target } : target;
    rejectUnknownOptions(given, ['host', 'port', 'seed'], 'FaultProxy.to');
    if (!Number.isInteger(given.port) || given.port < 1 || given.port > 65_535) {
      throw new InvalidOptionError(`FaultProxy.to: expected a port, got ${describeValue(given.port)}`);
    }
    const proxy = new FaultProxy(given);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Connections accepted so far, those that were refused at once not counted. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Connections there are now. */
  get connections(): number {
    return this.#pairs.size;
  }

  /** From now on all that passes is slow, on the connections there are and on later ones; what is left out is not. */
  slow(network: SlowNetwork): void {
    rejectUnknownOptions(network, ['latency', 'jitter', 'bandwidth'], 'slow');
    const { latency = 0, jitter = 0, bandwidth = Infinity } = network;
    for (const [name, value] of Object.entries({ latency, jitter })) {
      if (!(value >= 0)) {
        throw new InvalidOptionError(`slow.${name}: expected milliseconds, got ${describeValue(value)}`);
      }
    }
    if (!(bandwidth > 0)) {
      throw new InvalidOptionError(
        `slow.bandwidth: expected bytes a second, got ${describeValue(bandwidth)}`,
      );
    }
    this.#slowness = { latency, jitter, bandwidth };
  }

  /** Accepts no further connections until `heal`; those there are go on. */
  refuse(): void {
    this.#refuses = true;
  }

  /** Ends all connections, and accepts no others until `heal`. */
  cut(): void {
    this.#refuses = true;
    this.reset();
  }

  /** Ends all connections with a reset; later ones are accepted. */
  reset(): void {
    for (const pair of this.#pairs) this.#end(pair);
  }

  /**
   * Keeps all that is said on one connection, either way, while the others go on: what was sent there later arrives before it.
   * Nothing is lost, as long as the connection is not ended.
   *
   * @param place - which of the connections there are, the oldest first; below zero from the latest, so that -1 is that.
   * @returns has it all arrive, in order, and ends it. So does `heal`.
   * @throws InvalidOptionError where there is no such connection.
   */
  holdBack(place: number): () => void {
    const pair = [...this.#pairs].at(place);
    if (!Number.isInteger(place) || !pair) {
      throw new InvalidOptionError(
        `holdBack: expected a place among ${this.#pairs.size} connections, got ${describeValue(place)}`,
      );
    }
    for (const pipe of pair.pipes) pipe.hold();
    return () => {
      for (const pipe of pair.pipes) pipe.release();
    };
  }

  /**
   * From now on nothing more passes on the connections there are, in either direction, and neither end is told: what a
   * firewall does that forgot them. Later connections pass.
   */
  blackHole(): void {
    for (const { pipes } of this.#pairs) for (const pipe of pipes) pipe.passes = false;
  }

  /** From now on the server hears what clients say on the connections there are, and its answers are lost. Later connections pass. */
  loseAnswers(): void {
    for (const { pipes } of this.#pairs) pipes[1].passes = false;
  }

  /**
   * Lets so many bytes of the next answer pass, and resets its connection: the client does not know what the server did.
   *
   * @param bytes - default 1.
   */
  resetAmidAnswer(bytes = 1): void {
    this.#nextAnswer = (chunk, { client, target }) => {
      client.write(chunk.subarray(0, bytes), () => client.resetAndDestroy());
      target.destroy();
      return Buffer.alloc(0);
    };
  }

  /**
   * Hands over these bytes in place of the next answer.
   *
   * @param bytes - default: a zero, which begins no answer of Redis, and 31 at random. What looks like an answer is taken for one.
   */
  garble(bytes?: Buffer): void {
    const random = (_: unknown, i: number): number => (i === 0 ? 0 : this.#random() * 256);
    this.#nextAnswer = () => bytes ?? Buffer.from(Array.from({ length: 32 }, random));
  }

  /** Ends slowness, `cut` and `holdBack`. Connections in a black hole stay there. */
  heal(): void {
    this.#slowness = undefined;
    this.#refuses = false;
    this.#nextAnswer = undefined;
    for (const { pipes } of this.#pairs) for (const pipe of pipes) pipe.release();
  }

  /** Ends all connections and stops listening. */
  async close(): Promise<void> {
    for (const pair of this.#pairs) this.#end(pair);
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #join(client: Socket): void {
    client.on('error', () => undefined);
    if (this.#refuses) {
      client.resetAndDestroy();
      return;
    }
    this.#accepted++;
    const target = connect(this.#target.port, this.#target.host);
    target.on('error', () => undefined);
    const slowness = (): Slowness | undefined => this.#slowness;
    const up = new FaultyPipe(client, target, this.#random, slowness, (chunk) => chunk);
    const down = new FaultyPipe(target, client, this.#random, slowness, (chunk) => {
      const alter = this.#nextAnswer;
      this.#nextAnswer = undefined;
      return alter ? alter(chunk, pair) : chunk;
    });
    const pair: Pair = { client, target, pipes: [up, down] };
    this.#pairs.add(pair);
    client.on('close', () => this.#end(pair));
    target.on('close', () => {
      // The end of a server whose answers are lost is lost as well.
      if (!down.passes) return;
      this.#pairs.delete(pair);
      // What it said last must arrive, which a reset would take back.
      client.destroySoon();
    });
  }

  #end(pair: Pair): void {
    this.#pairs.delete(pair);
    for (const pipe of pair.pipes) pipe.end();
    pair.client.resetAndDestroy();
    pair.target.destroy();
  }
}
