import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** The words of one command as text, the first in upper case. */
type Words = readonly string[];

/** A place at which the traffic of one connection stands still. */
export interface Stop {
  /** Resolves when it stands there. */
  readonly reached: Promise<void>;
  /** Lets it go on. */
  release(): void;
}

class Gate implements Stop {
  readonly matches: (words: Words) => boolean;
  readonly reached: Promise<void>;
  arrive: () => void = () => undefined;
  release: () => void = () => undefined;
  readonly released: Promise<void>;

  constructor(matches: (words: Words) => boolean) {
    this.matches = matches;
    this.reached = new Promise((resolve) => (this.arrive = resolve));
    this.released = new Promise((resolve) => (this.release = resolve));
  }
}

/**
 * Stands between clients and a server and understands what clients ask, so that a test can stop the traffic at one command and
 * do something meanwhile: what a slow network does by chance. It works for every driver alike.
 */
export class SteppingProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  #before: Gate | undefined;
  #after: Gate | undefined;

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer((client) => this.#join(client));
  }

  /** @param port - of a server on loopback. */
  static async to(port: number): Promise<SteppingProxy> {
    const proxy = new SteppingProxy(port);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Stops a connection before the next command of this kind reaches the server. */
  before(matches: (words: Words) => boolean): Stop {
    return (this.#before = new Gate(matches));
  }

  /** Stops it when the server has carried out the next command of this kind, and before its answer reaches the client. */
  after(matches: (words: Words) => boolean): Stop {
    return (this.#after = new Gate(matches));
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #join(client: Socket): void {
    const target = connect(this.#target, '127.0.0.1');
    let asked: Promise<void> = Promise.resolve();
    let answered: Promise<void> = Promise.resolve();
    let holding: Gate | undefined;
    let pending: Buffer = Buffer.alloc(0);
    client.on('data', (chunk: Buffer) => {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      for (let command = take(pending); command; command = take(pending)) {
        const { words } = command;
        const bytes = pending.subarray(0, command.length);
        pending = pending.subarray(command.length);
        asked = asked.then(async () => {
          const before = this.#before;
          if (before?.matches(words)) {
            this.#before = undefined;
            before.arrive();
            await before.released;
          }
          const after = this.#after;
          if (after?.matches(words)) {
            this.#after = undefined;
            holding = after;
          }
          target.write(bytes);
        });
      }
    });
    target.on('data', (chunk: Buffer) => {
      const gate = holding;
      answered = answered.then(async () => {
        gate?.arrive();
        await gate?.released;
        if (holding === gate) holding = undefined;
        client.write(chunk);
      });
    });
    for (const [one, other] of [
      [client, target],
      [target, client],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => undefined);
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
  }
}

/** The first whole command in the bytes: an array of bulk strings. */
function take(bytes: Buffer): { readonly words: Words; readonly length: number } | undefined {
  const line = (from: number): { readonly number: number; readonly end: number } | undefined => {
    const end = bytes.indexOf('\r\n', from);
    return end === -1 ? undefined : { number: Number(bytes.toString('latin1', from + 1, end)), end: end + 2 };
  };
  const head = line(0);
  if (!head) return undefined;
  const words: string[] = [];
  let at = head.end;
  for (let i = 0; i < head.number; i++) {
    const size = line(at);
    if (!size || bytes.length < size.end + size.number + 2) return undefined;
    const word = bytes.toString('latin1', size.end, size.end + size.number);
    words.push(i === 0 ? word.toUpperCase() : word);
    at = size.end + size.number + 2;
  }
  return { words, length: at };
}
