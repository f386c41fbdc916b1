import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

interface Pair {
  readonly client: Socket;
  readonly target: Socket;
  passes: boolean;
  answers: boolean;
}

/** Stands between a client and a server, and loses what it is told to lose. */
export class TcpProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #targetPort: number;
  readonly #pairs = new Set<Pair>();
  /** Connections accepted so far. */
  accepted = 0;
  #refuses = false;

  private constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#server = createServer((client) => this.#join(client));
  }

  /** @param targetPort - of a server on loopback. */
  static async to(targetPort: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(targetPort);
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

  /**
   * From now on nothing more passes on the connections there are, in either direction, and neither end is told: what a
   * firewall does that forgot them. Later connections pass.
   */
  blackHole(): void {
    for (const pair of this.#pairs) pair.passes = false;
  }

  /** What clients send still arrives, and the answers are lost. */
  deafen(): void {
    for (const pair of this.#pairs) pair.answers = false;
  }

  /** Ends the connections there are. Later ones pass. */
  cut(): void {
    for (const { client, target } of this.#pairs) {
      client.destroy();
      target.destroy();
    }
  }

  /** Ends every further one, until {@link mend}. */
  refuse(): void {
    this.#refuses = true;
  }

  mend(): void {
    this.#refuses = false;
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #join(client: Socket): void {
    this.accepted++;
    if (this.#refuses) return void client.destroy();
    const target = connect(this.#targetPort, '127.0.0.1');
    const pair: Pair = { client, target, passes: true, answers: true };
    this.#pairs.add(pair);
    for (const [from, to] of [
      [client, target],
      [target, client],
    ] as const) {
      from.on('data', (chunk: Buffer) => {
        if (pair.passes && (pair.answers || from === client)) to.write(chunk);
      });
      from.on('error', () => undefined);
      from.on('close', () => {
        if (!pair.passes && from === target) return;
        to.destroy();
        this.#pairs.delete(pair);
      });
    }
  }
}
