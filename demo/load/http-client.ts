import { connect, type Socket } from 'node:net';
import type { LoadRequest } from './sequence.js';

export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
}

/**
 * One caller's kept-alive connection: one request at a time, and only what our own server answers (HTTP/1.1 with a
 * `content-length`). Client and server share the machine, and the platform's client costs several times as much as the
 * answer; what it spent would look like time of the server.
 */
export class HttpConnection {
  readonly #socket: Socket;
  readonly #suffix: string;
  #received: Buffer | undefined;
  #waiting: { resolve: (answer: HttpAnswer) => void; reject: (error: Error) => void } | undefined;
  #failure: Error | undefined;

  private constructor(socket: Socket, suffix: string) {
    this.#socket = socket;
    this.#suffix = suffix;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('The server closed the connection.')));
  }

  /** `suffix` is added to every path. */
  static open(port: number, suffix: string): Promise<HttpConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new HttpConnection(socket, suffix));
      });
    });
  }

  send(request: LoadRequest): Promise<HttpAnswer> {
    if (request.kind === 'profile') return this.#send('GET', `/users/${request.id}/profile`);
    if (request.kind === 'popular') return this.#send('GET', '/posts/popular');
    if (request.kind === 'trending') return this.#send('GET', '/users/trending');
    if (request.kind === 'view') return this.#send('POST', `/posts/${request.id}/views`);
    return this.#send('PATCH', `/users/${request.id}`, JSON.stringify({ bio: request.bio }));
  }

  close(): void {
    this.#socket.destroy();
  }

  #send(method: string, path: string, body = ''): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      if (this.#failure) {
        reject(this.#failure);
        return;
      }
      this.#waiting = { resolve, reject };
      const length = body === '' ? '' : `content-length: ${Buffer.byteLength(body)}\r\n`;
      this.#socket.write(
        `${method} ${path}${this.#suffix} HTTP/1.1\r\nhost: 127.0.0.1\r\n${length}\r\n${body}`,
      );
    });
  }

  #receive(chunk: Buffer): void {
    const received = this.#received ? Buffer.concat([this.#received, chunk]) : chunk;
    const headEnd = received.indexOf('\r\n\r\n');
    const head = headEnd === -1 ? '' : received.toString('latin1', 0, headEnd);
    const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
    if (headEnd !== -1 && length === undefined) {
      this.#fail(new Error(`An answer without a length: ${head.slice(0, 200)}`));
      return;
    }
    const bodyStart = headEnd + 4;
    const end = bodyStart + Number(length);
    if (headEnd === -1 || received.length < end) {
      this.#received = received;
      return;
    }
    this.#received = undefined;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve({ status: Number(head.slice(9, 12)), text: received.toString('utf8', bodyStart, end) });
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#socket.destroy();
    this.#waiting?.reject(this.#failure);
    this.#waiting = undefined;
  }
}
