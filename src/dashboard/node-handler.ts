import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { CacheManager } from '../manager/cache-manager.js';
import { runInBackground } from '../runtime/background.js';
import { Dashboard } from './dashboard.js';
import type { DashboardOptions } from './dashboard-options.js';
import type { DashboardAnswer, DashboardRequest } from './exchange.js';

/** What node:http hands out, and what Express adds to it. */
export type DashboardServerRequest = IncomingMessage & {
  readonly originalUrl?: string;
  readonly baseUrl?: string;
};

/** Answers every request under the path it is mounted at. Never throws. It does not read bodies. */
export type DashboardHandler = (request: DashboardServerRequest, response: ServerResponse) => void;

/**
 * The dashboard of a cache, to be mounted in node:http, Express, or Fastify.
 *
 * Only this machine is let in, or whoever has the token; see `DashboardOptions.token`. It costs nothing while nobody looks.
 *
 * @example
 * const dashboard = dashboardHandler(cache)
 * createServer((request, response) => {
 *   if (request.url?.startsWith('/tiercel')) return dashboard(request, response)
 *   // the application
 * })
 *
 * app.use('/admin/cache', dashboardHandler(cache, { token: process.env.DASHBOARD_TOKEN })) // Express
 *
 * @throws InvalidOptionError
 */
export function dashboardHandler(cache: CacheManager, options: DashboardOptions = {}): DashboardHandler {
  const dashboard = new Dashboard(cache, options);
  return (request, response) => {
    const work = async (): Promise<void> =>
      send(await dashboard.answer(describe(request)), request, response);
    // What can fail is the connection, and then there is nobody to tell.
    runInBackground(work, () => void response.destroy());
  };
}

function describe(request: DashboardServerRequest): DashboardRequest {
  const url = request.originalUrl ?? request.url ?? '/';
  const question = url.indexOf('?');
  return {
    method: request.method ?? 'GET',
    path: question === -1 ? url : url.slice(0, question),
    mount: request.baseUrl === '' ? undefined : request.baseUrl,
    query: new URLSearchParams(question === -1 ? '' : url.slice(question)),
    header: (name) => {
      const value = request.headers[name];
      return Array.isArray(value) ? value.join(', ') : value;
    },
    remote: request.socket.remoteAddress,
    encrypted: 'encrypted' in request.socket,
  };
}

async function send(
  { status, headers, body }: DashboardAnswer,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const isStream = body instanceof ReadableStream;
  response.writeHead(status, {
    ...headers,
    ...(!isStream && status !== 304 && { 'content-length': Buffer.byteLength(body) }),
  });
  if (!isStream) {
    response.end(request.method === 'HEAD' ? undefined : body);
  } else if (request.method === 'HEAD') {
    await body.cancel();
    response.end();
  } else {
    response.flushHeaders();
    await pipeline(Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]), response);
  }
}
