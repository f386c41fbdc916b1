/** Health of a cache for orchestrators and load balancers, as handlers of node:http. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { CacheError, InvalidOptionError } from '../errors.js';
import type { CacheHealth } from '../manager/cache-health.js';
import { describeValue, rejectUnknownOptions } from '../validate.js';

/** A cache, as far as its health is asked for. */
export interface HealthSource {
  healthCheck(): Promise<CacheHealth>;
}

export interface ReadinessOptions {
  /**
   * Whether to be unready while a part of the cache is not well. Default false: the cache answers without Redis too, from memory
   * and from loads, and where Redis fails for all processes at once, taking all of them out of service would make of it an
   * outage. True for a service that the database cannot carry without its cache. A preload that fails, or a write that the database
   * refuses, never makes it unready: another process could do no better.
   */
  readonly requireHealthy?: boolean;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * Answers 200 for as long as the cache is open, and 503 once it is closed, with `{ "status": "alive" }` or `"closed"`. Nothing is
 * asked of Redis: a process must not be restarted because Redis is away.
 *
 * @throws InvalidOptionError for what is no cache.
 */
export function livenessHandler(cache: HealthSource & { readonly closed: boolean }): Handler {
  assertSource(cache);
  return (request, response) => {
    answer(
      request,
      response,
      cache.closed ? 503 : 200,
      JSON.stringify({ status: cache.closed ? 'closed' : 'alive' }),
    );
  };
}

/**
 * Answers 200 where the cache can be used and 503 where not, with `status` (`ready`, `degraded` or `closed`) and the state of
 * every part. Errors are told by their `code` and `message`; addresses of servers are in it, so serve it where operators are.
 *
 * @throws InvalidOptionError
 *
 * @example
 * const ready = readinessHandler(cache)
 * createServer((request, response) => request.url === '/ready' ? ready(request, response) : app(request, response))
 */
export function readinessHandler(cache: HealthSource, options: ReadinessOptions = {}): Handler {
  assertSource(cache);
  rejectUnknownOptions(options, ['requireHealthy'], 'readinessHandler');
  const { requireHealthy = false } = options;
  return (request, response) => {
    cache.healthCheck().then(
      (health) => {
        const status = health.closed ? 'closed' : health.healthy ? 'ready' : 'degraded';
        const isReady = status === 'ready' || (status === 'degraded' && !requireHealthy);
        answer(request, response, isReady ? 200 : 503, JSON.stringify({ status, ...health }, replaceErrors));
      },
      () => answer(request, response, 503, JSON.stringify({ status: 'unknown' })),
    );
  };
}

function assertSource(cache: HealthSource): void {
  if (typeof cache !== 'object' || cache === null || typeof cache.healthCheck !== 'function') {
    throw new InvalidOptionError(`expected a cache, got ${describeValue(cache)}`);
  }
}

function answer(request: IncomingMessage, response: ServerResponse, status: number, body: string): void {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD' }).end();
    return;
  }
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

/** An Error has nothing of its own that JSON would show. What a load threw may be anybody's, with anything in it. */
function replaceErrors(_name: string, value: unknown): unknown {
  if (value instanceof CacheError) return { code: value.code, message: value.message };
  return value instanceof Error ? { message: value.message } : value;
}
