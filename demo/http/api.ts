import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { DashboardHandler } from 'tiercel/dashboard';
import type { SocialService } from '../social/service.js';
import { BadRequest, parseEdit, parseId, parseLimit, readBody } from './input.js';

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Record<string, string>;
}

/** The HTTP side of the application. `?cache=off` asks the database, to see the difference by hand. */
export class Api {
  readonly #server: Server;
  readonly #cached: SocialService;
  readonly #uncached: SocialService;

  readonly #onFailure: (error: unknown) => void;

  /**
   * What is asked under `/tiercel` is the dashboard's. `onFailure` hears of what clients are not told: the errors behind the
   * answers with status 500.
   */
  constructor(
    services: { cached: SocialService; uncached: SocialService },
    dashboard: DashboardHandler,
    onFailure: (error: unknown) => void,
  ) {
    this.#cached = services.cached;
    this.#uncached = services.uncached;
    this.#onFailure = onFailure;
    this.#server = createServer((request, response) => {
      if (/^\/tiercel(?:[/?]|$)/.test(request.url ?? '')) dashboard(request, response);
      else void this.#handle(request, response);
    });
  }

  /** Listens on loopback only. Takes any free port where `preferred` is taken. */
  async listen(preferred: number): Promise<number> {
    const attempt = (port: number): Promise<void> =>
      new Promise((resolve, reject) => {
        this.#server.once('error', reject);
        this.#server.listen(port, '127.0.0.1', () => {
          this.#server.off('error', reject);
          resolve();
        });
      });
    await attempt(preferred).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE') throw error;
      return attempt(0);
    });
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, body, headers } = await this.#answer(request).catch((error: unknown) =>
      this.#toAnswer(error),
    );
    const text = JSON.stringify(body);
    response.writeHead(status, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(text),
      ...headers,
    });
    response.end(text);
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    const url = request.url ?? '/';
    const question = url.indexOf('?');
    const path = question === -1 ? url : url.slice(0, question);
    const parameters = new URLSearchParams(question === -1 ? '' : url.slice(question));
    const service = parameters.get('cache') === 'off' ? this.#uncached : this.#cached;

    const profile = /^\/users\/([^/]+)\/profile$/.exec(path)?.[1];
    if (profile !== undefined) {
      if (request.method !== 'GET') return wrongMethod('GET');
      const found = await service.profile(parseId(profile));
      return found === null ? missing('There is no such user.') : ok(found);
    }
    if (path === '/posts/popular') {
      if (request.method !== 'GET') return wrongMethod('GET');
      return ok(await service.popularPosts(parseLimit(parameters.get('limit'))));
    }
    if (path === '/users/trending') {
      if (request.method !== 'GET') return wrongMethod('GET');
      return ok(await service.trendingUsers(parseLimit(parameters.get('limit'))));
    }
    const viewed = /^\/posts\/([^/]+)\/views$/.exec(path)?.[1];
    if (viewed !== undefined) {
      if (request.method !== 'POST') return wrongMethod('POST');
      const id = parseId(viewed);
      return ok({ id, views: await service.viewPost(id) });
    }
    if (path === '/healthz') return ok({ status: 'ok' });
    const user = /^\/users\/([^/]+)$/.exec(path)?.[1];
    if (user !== undefined) {
      if (request.method !== 'PATCH') return wrongMethod('PATCH');
      const id = parseId(user);
      const found = await service.editProfile(id, parseEdit(await readBody(request)));
      return found ? ok({ id }) : missing('There is no such user.');
    }
    return missing('There is nothing at this path.');
  }

  #toAnswer(error: unknown): Answer {
    if (!(error instanceof BadRequest)) {
      this.#onFailure(error);
      return { status: 500, body: { error: 'Something failed on our side.' } };
    }
    // The rest of a body that is too large is not worth reading.
    const headers = error.status === 413 ? { connection: 'close' } : undefined;
    return { status: error.status, body: { error: error.message }, ...(headers && { headers }) };
  }
}

function ok(body: unknown): Answer {
  return { status: 200, body };
}

function missing(error: string): Answer {
  return { status: 404, body: { error } };
}

function wrongMethod(allowed: string): Answer {
  return { status: 405, body: { error: `Only ${allowed} is allowed here.` }, headers: { allow: allowed } };
}
