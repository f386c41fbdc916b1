import { createServer, type Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import type { CacheManager } from 'tiercel';
import { dashboardFetch, dashboardHandler, type DashboardOptions } from 'tiercel/dashboard';

/** Where a dashboard is mounted, and how. */
export type MountOptions = DashboardOptions & { readonly path: string; readonly token: string };

/** What every application here answers beside its dashboard. */
export const APPLICATION = 'the application';

/**
 * An application with a dashboard, as docs/guides/dashboard.md mounts one: a test compares the two, line by line. The servers do
 * not listen yet.
 */
export const FRAMEWORKS: Readonly<
  Record<string, (cache: CacheManager, options: MountOptions) => Server | Promise<Server>>
> = {
  'node:http'(cache, options) {
    const dashboard = dashboardHandler(cache, options);
    return createServer((request, response) => {
      if (request.url?.startsWith(options.path)) return dashboard(request, response);
      response.end(APPLICATION);
    });
  },

  Express(cache, options) {
    const app = express();
    app.use(options.path, dashboardHandler(cache, options));
    app.get('/', (_request, response) => void response.send(APPLICATION));
    return createServer(app);
  },

  async Fastify(cache, options) {
    const app = fastify();
    const dashboard = dashboardHandler(cache, options);
    for (const url of [options.path, `${options.path}/*`]) {
      app.all(url, (request, reply) => {
        reply.hijack();
        dashboard(request.raw, reply.raw);
      });
    }
    app.get('/', () => APPLICATION);
    await app.ready();
    return app.server;
  },

  Hono(cache, options) {
    const app = new Hono();
    const dashboard = dashboardFetch(cache, options);
    app.all(options.path, (c) => dashboard(c.req.raw));
    app.all(`${options.path}/*`, (c) => dashboard(c.req.raw));
    app.get('/', (c) => c.text(APPLICATION));
    return createAdaptorServer({ fetch: app.fetch }) as Server;
  },
};
