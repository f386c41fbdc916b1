import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** What the fake answers to one command, by its first words in lower case; undefined to say nothing, `hangUp` to end it. */
export type Answer = (command: readonly string[], socket: Socket) => string | undefined;

/**
 * A server that speaks just enough of the protocol to be connected to, and then says what a test wants: the faults that no
 * real server can be brought to have.
 */
export class FakeRedis implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Asked for all commands but those of connecting. */
  answer: Answer;
  /** Milliseconds by which its clock is ahead of this process's. */
  clockAhead = 0;
  readonly #greetings: Readonly<Record<string, string>>;

  private constructor(answer: Answer, greetings: Readonly<Record<string, string>>) {
    this.answer = answer;
    this.#greetings = greetings;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  /** @param greetings - other answers to commands of connecting, by their first two words. */
  static async start(answer: Answer, greetings: Readonly<Record<string, string>> = {}): Promise<FakeRedis> {
    const fake = new FakeRedis(answer, greetings);
    fake.#server.listen(0, '127.0.0.1');
    await once(fake.#server, 'listening');
    return fake;
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    let pending = '';
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('data', (chunk: Buffer) => {
      pending += chunk.toString('latin1');
      for (let command = take(pending); command; command = take(pending)) {
        pending = pending.slice(command.length);
        const { words } = command;
        const reply =
          this.#greetings[words.slice(0, 2).join(' ')] ??
          greeting(words, this.clockAhead) ??
          this.answer(words, socket);
        if (reply !== undefined && socket.writable) socket.write(reply, 'latin1');
      }
    });
  }
}

/** Answers to what a client asks before it is ready. */
function greeting([name = '', sub = '']: readonly string[], clockAhead: number): string | undefined {
  switch (`${name} ${name === 'hello' ? '' : sub}`.trim()) {
    case 'hello':
      return '%1\r\n$5\r\nproto\r\n:3\r\n';
    case 'client setname':
    case 'client setinfo':
    case 'client tracking':
    case 'client maint_notifications':
    case 'client no-evict':
    case 'select 0':
      return '+OK\r\n';
    case 'ping':
      return '+PONG\r\n';
    case 'info':
      return '$18\r\nredis_version:7.0\r\n\r\n';
    case 'time':
      return `*2\r\n$10\r\n${Math.floor((Date.now() + clockAhead) / 1000)}\r\n$1\r\n0\r\n`;
    default:
      return undefined;
  }
}

/** The first whole command in the text: an array of bulk strings. */
function take(text: string): { readonly words: string[]; readonly length: number } | undefined {
  const head = /^\*(\d+)\r\n/.exec(text);
  if (!head) return undefined;
  let at = head[0].length;
  const words: string[] = [];
  for (let i = 0; i < Number(head[1]); i++) {
    const size = /^\$(\d+)\r\n/.exec(text.slice(at, at + 20));
    if (!size) return undefined;
    at += size[0].length;
    const end = at + Number(size[1]);
    if (text.length < end + 2) return undefined;
    words.push(text.slice(at, end).toLowerCase());
    at = end + 2;
  }
  return { words, length: at };
}
