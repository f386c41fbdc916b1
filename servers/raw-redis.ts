import { createConnection, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { deferred } from './deferred.js';

/**
 * Talks to a Redis server without any client library, so that tests can change things behind the library's back, and so
 * that a server can be asked whether it is up before anything else is trusted.
 */

export type RawReply = Buffer | string | number | null | readonly RawReply[] | RawError;

/** An error the server answered, such as `NOAUTH Authentication required.` */
export class RawError extends Error {
  override readonly name = 'RawError';
}

export interface RawAddress {
  readonly host: string;
  readonly port: number;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** Present means TLS. `ca` is the authority to trust, PEM; without it, those the runtime trusts. */
  readonly tls?: { readonly ca?: string | undefined } | undefined;
}

/**
 * The address in a `redis://` or `rediss://` URL.
 *
 * @throws Error for any other URL; the message does not repeat it, because it may hold a password.
 */
export function rawAddress(url: string): RawAddress {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol !== 'redis:' && parsed?.protocol !== 'rediss:') {
    throw new Error('a Redis URL must begin with redis:// or rediss://');
  }
  return {
    host: parsed.hostname.replace(/^\[|\]$/g, '') || '127.0.0.1',
    port: Number(parsed.port || 6379),
    username: decodeURIComponent(parsed.username) || undefined,
    password: decodeURIComponent(parsed.password) || undefined,
    tls: parsed.protocol === 'rediss:' ? {} : undefined,
  };
}

interface Parsed {
  readonly reply: RawReply;
  readonly end: number;
}

/** Parses one RESP2 reply at `start`; undefined while it is not complete. */
function parse(bytes: Buffer, start: number): Parsed | undefined {
  const eol = bytes.indexOf('\r\n', start);
  if (eol < 0) return undefined;
  const line = bytes.toString('utf8', start + 1, eol);
  const after = eol + 2;
  switch (String.fromCharCode(bytes[start] ?? 0)) {
    case '+':
      return { reply: line, end: after };
    case '-':
      return { reply: new RawError(line), end: after };
    case ':':
      return { reply: Number(line), end: after };
    case '$': {
      const length = Number(line);
      if (length < 0) return { reply: null, end: after };
      if (bytes.length < after + length + 2) return undefined;
      return { reply: bytes.subarray(after, after + length), end: after + length + 2 };
    }
    case '*':
      return parseArray(bytes, after, Number(line));
    default:
      throw new Error(`not a RESP2 reply: ${JSON.stringify(bytes.toString('latin1', start, start + 40))}`);
  }
}

function parseArray(bytes: Buffer, start: number, length: number): Parsed | undefined {
  if (length < 0) return { reply: null, end: start };
  const items: RawReply[] = [];
  let position = start;
  while (items.length < length) {
    const item = parse(bytes, position);
    if (item === undefined) return undefined;
    items.push(item.reply);
    position = item.end;
  }
  return { reply: items, end: position };
}

function encode(args: readonly (string | Buffer)[]): Buffer {
  const parts: Buffer[] = [Buffer.from(`*${args.length}\r\n`)];
  for (const argument of args) {
    const bytes = Buffer.from(argument);
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'));
  }
  return Buffer.concat(parts);
}

function open(address: RawAddress): Socket {
  const { host, port, tls } = address;
  return tls === undefined ? createConnection({ host, port }) : connectTls({ host, port, ca: tls.ca });
}

/**
 * Sends commands on one new connection and resolves with their replies, error replies among them as values.
 *
 * @throws Error if the server cannot be reached, closes, or has not answered everything within `timeout` ms.
 */
export async function sendRaw(
  address: RawAddress,
  commands: readonly (readonly (string | Buffer)[])[],
  timeout = 5_000,
): Promise<RawReply[]> {
  const socket = open(address);
  const { promise, resolve, reject } = deferred<RawReply[]>();
  const replies: RawReply[] = [];
  let pending: Buffer = Buffer.alloc(0);
  const where = `${address.host}:${address.port}`;
  const timer = setTimeout(
    () =>
      reject(
        new Error(`Redis at ${where} did not answer ${String(commands.at(-1)?.[0])} within ${timeout} ms`),
      ),
    timeout,
  );
  socket.on('error', reject);
  socket.on('close', () => reject(new Error(`Redis at ${where} closed the connection`)));
  socket.on('data', (chunk: Buffer) => {
    try {
      pending = Buffer.concat([pending, chunk]);
      for (let parsed = parse(pending, 0); parsed !== undefined; parsed = parse(pending, 0)) {
        replies.push(parsed.reply);
        pending = pending.subarray(parsed.end);
        if (pending.length === 0) break;
      }
      if (replies.length >= commands.length) resolve(replies);
    } catch (error) {
      reject(error as Error);
    }
  });
  socket.write(Buffer.concat(commands.map(encode)));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

/**
 * Sends one command, after an AUTH if the address has a password. Bulk strings come as Buffers.
 *
 * @throws RawError for an error reply, of the command or of AUTH; Error as `sendRaw` does.
 */
export async function rawCommand(
  address: RawAddress,
  args: readonly (string | Buffer)[],
  timeout?: number,
): Promise<RawReply> {
  const { username, password } = address;
  const auth =
    password === undefined ? [] : [['AUTH', ...(username === undefined ? [] : [username]), password]];
  const replies = await sendRaw(address, [...auth, args], timeout);
  const failed = replies.find((reply) => reply instanceof RawError);
  if (failed instanceof RawError) throw failed;
  return replies.at(-1) ?? null;
}

/** What `decodeReply` makes of a reply: text where the server sent bytes. */
export type TextReply = string | number | null | readonly TextReply[];

/** A reply with its bulk strings as UTF-8 text, for tests that only look at text. */
export function decodeReply(reply: RawReply): TextReply {
  if (Buffer.isBuffer(reply)) return reply.toString('utf8');
  if (reply instanceof RawError) return reply.message;
  if (reply === null || typeof reply === 'string' || typeof reply === 'number') return reply;
  return reply.map(decodeReply);
}
