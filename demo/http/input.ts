import type { IncomingMessage } from 'node:http';
import type { ProfileEdit } from '../social/service.js';

/** The request is wrong; the message says how, and is for the client. */
export class BadRequest extends Error {
  readonly status: number;

  constructor(message: string, status = 400) {
    super(message);
    this.status = status;
  }
}

const largestInteger = 2_147_483_647;

/** A user id: digits only, within what the database's `integer` holds. */
export function parseId(text: string): number {
  const id = /^[1-9]\d{0,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(id <= largestInteger)) throw new BadRequest('A user id is a whole number from 1 on.');
  return id;
}

/** Each limit is a cache key of its own, so their number is bounded. */
export function parseLimit(text: string | null): number {
  if (text === null) return 20;
  const limit = /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
  if (!(limit >= 1 && limit <= 100)) throw new BadRequest('`limit` is a whole number from 1 to 100.');
  return limit;
}

const longest = { displayName: 80, bio: 500, location: 80 } as const;

function isField(name: string): name is keyof typeof longest {
  return Object.hasOwn(longest, name);
}

/** At least one known field, each a text of bounded length. */
export function parseEdit(body: string): ProfileEdit {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    throw new BadRequest('The body is not JSON.');
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new BadRequest('The body is not a JSON object.');
  }
  const edit: { -readonly [Field in keyof ProfileEdit]: string } = {};
  for (const [name, value] of Object.entries(parsed)) {
    if (!isField(name)) throw new BadRequest(`There is no field \`${name.slice(0, 40)}\` to change.`);
    // Postgres text holds no NUL.
    if (typeof value !== 'string' || value.length > longest[name] || value.includes('\0')) {
      throw new BadRequest(`\`${name}\` is a text of at most ${longest[name]} characters.`);
    }
    edit[name] = value;
  }
  if (Object.keys(edit).length === 0) throw new BadRequest('Nothing to change.');
  return edit;
}

const largestBody = 16 * 1024;

export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > largestBody) throw new BadRequest(`The body is larger than ${largestBody} bytes.`, 413);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
