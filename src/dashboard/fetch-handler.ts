import { InvalidOptionError } from '../errors.js';
import type { CacheManager } from '../manager/cache-manager.js';
import { Dashboard } from './dashboard.js';
import type { DashboardOptions } from './dashboard-options.js';

/**
 * The same for Hono and other servers that pass on a `Request`. Such a request does not tell who sent it, so a token is needed.
 *
 * @example
 * const dashboard = dashboardFetch(cache, { token: process.env.DASHBOARD_TOKEN })
 * app.all('/tiercel', (c) => dashboard(c.req.raw))
 * app.all('/tiercel/*', (c) => dashboard(c.req.raw))
 *
 * @throws InvalidOptionError
 */
export function dashboardFetch(
  cache: CacheManager,
  options: DashboardOptions & { readonly token: string },
): (request: Request) => Promise<Response> {
  if (options.token === undefined) {
    throw new InvalidOptionError(
      'dashboard.token: expected a token, since a Request does not tell who sent it',
    );
  }
  const dashboard = new Dashboard(cache, options);
  return async (request) => {
    const url = new URL(request.url);
    const { status, headers, body } = await dashboard.answer({
      method: request.method,
      path: url.pathname,
      mount: undefined,
      query: url.searchParams,
      header: (name) => request.headers.get(name) ?? (name === 'host' ? url.host : undefined),
      remote: undefined,
      encrypted: url.protocol === 'https:',
    });
    const isStream = body instanceof ReadableStream;
    if (request.method === 'HEAD' && isStream) await body.cancel();
    const bare = status === 304 || request.method === 'HEAD';
    return new Response(bare ? null : isStream ? body : new Uint8Array(Buffer.from(body)), {
      status,
      headers,
    });
  };
}
