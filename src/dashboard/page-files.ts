import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { DashboardAnswer, DashboardRequest } from './exchange.js';
import { Refusal } from './exchange.js';

/** Where the build puts the page. The same way from the sources and from what is built of them. */
const FOLDER = new URL('../../dist/dashboard/page/', import.meta.url);

const TYPES = {
  'index.html': 'text/html; charset=utf-8',
  'login.html': 'text/html; charset=utf-8',
  'index.js': 'text/javascript; charset=utf-8',
  'login.js': 'text/javascript; charset=utf-8',
  'style.css': 'text/css; charset=utf-8',
  'icon.svg': 'image/svg+xml',
} as const;

/** A file of the page. There are no others: a name that is asked for never becomes a path. */
export type PageFile = keyof typeof TYPES;

interface LoadedFile {
  readonly bytes: Buffer;
  readonly etag: string;
}

const loaded = new Map<PageFile, LoadedFile>();

export function isPageFile(name: string): name is PageFile {
  return Object.hasOwn(TYPES, name);
}

/** @throws Refusal where the page was not built. */
export function pageFile(name: PageFile, request: DashboardRequest, { status = 200 } = {}): DashboardAnswer {
  const { bytes, etag } = load(name);
  // Asked for anew each time, and answered with no more than that it is the same: a new version is seen at once.
  const headers = { etag, 'cache-control': status === 200 ? 'no-cache' : 'no-store' };
  if (status === 200 && request.header('if-none-match') === etag) return { status: 304, headers, body: '' };
  return { status, headers: { ...headers, 'content-type': TYPES[name] }, body: bytes };
}

/** Once a process. */
function load(name: PageFile): LoadedFile {
  const known = loaded.get(name);
  if (known) return known;
  try {
    const bytes = readFileSync(new URL(name, FOLDER));
    const etag = `"${createHash('sha256').update(bytes).digest('base64url')}"`;
    const file = { bytes, etag };
    loaded.set(name, file);
    return file;
  } catch {
    throw new Refusal(503, 'The page of the dashboard is not built. In a clone: npm run build:page');
  }
}
