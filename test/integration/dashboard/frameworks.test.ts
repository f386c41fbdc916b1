import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import express from 'express';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCache, type CacheManager } from 'tiercel';
import { dashboardHandler } from 'tiercel/dashboard';
import type { DashboardFrame } from '../../../src/dashboard/frame.js';
import { eventually } from '../../support/eventually.js';
import { APPLICATION, FRAMEWORKS } from './frameworks.js';
import { MountedDashboard } from './visitor.js';

const token = 'a token of some length';
const path = '/admin/cache';
const bearer = { authorization: `Bearer ${token}` };
/** Pages that may be open at once. */
const MOST_STREAMS = 32;

describe.each(Object.entries(FRAMEWORKS))('the dashboard in %s', (_name, mount) => {
  let cache: CacheManager;
  let dashboard: MountedDashboard;

  beforeEach(async () => {
    cache = createCache({ namespace: 'shop' });
    dashboard = await MountedDashboard.behind(await mount(cache, { path, token, actions: true }));
  });
  afterEach(async () => {
    await dashboard[Symbol.asyncDispose]();
    await cache.close();
  });

  async function logIn(): Promise<{ origin: string; cookie: string }> {
    const { origin } = dashboard;
    const { status, headers } = await dashboard.ask(`${path}/api/login`, {
      method: 'POST',
      headers: { origin, ...bearer },
    });
    expect(status).toBe(200);
    const [cookie = ''] = headers['set-cookie'] ?? [];
    expect(cookie).toContain(`; Path=${path};`);
    return { origin, cookie: cookie.split(';')[0] ?? '' };
  }

  async function openEvents(signal: AbortSignal): Promise<ReadableStreamDefaultReader<Uint8Array>> {
    const { status, headers, body } = await fetch(`${dashboard.origin}${path}/api/events`, {
      headers: bearer,
      signal,
    });
    expect(status).toBe(200);
    expect(headers.get('content-type')).toMatch('text/event-stream');
    return (body as ReadableStream<Uint8Array>).getReader();
  }

  it('stands where it is mounted, beside the application', async () => {
    expect(await dashboard.ask('/')).toMatchObject({ status: 200, text: APPLICATION });
    expect(await dashboard.ask(path, { headers: bearer })).toMatchObject({
      status: 302,
      headers: { location: 'cache/' },
    });
    expect((await dashboard.ask(`${path}/nothing`, { headers: bearer })).status).toBe(404);
    expect((await dashboard.ask('/tiercel/', { headers: bearer })).text).not.toContain('<script');
  });

  it('serves the page and all that it is made of', async () => {
    const page = await dashboard.ask(`${path}/`, { headers: bearer });
    expect(page).toMatchObject({
      status: 200,
      headers: { 'content-security-policy': expect.stringContaining("default-src 'none'") },
    });
    const files = [...page.text.matchAll(/(?:src|href)="\.\/(?<file>[^"]+)"/g)].map(
      (match) => match.groups?.['file'] ?? '',
    );
    expect(files).toEqual(expect.arrayContaining(['index.js', 'style.css', 'icon.svg']));
    for (const file of files) {
      const { status, text, headers } = await dashboard.ask(`${path}/${file}`, { headers: bearer });
      expect([file, status, Buffer.byteLength(text)]).toEqual([file, 200, Number(headers['content-length'])]);
    }
    const again = { ...bearer, 'if-none-match': String(page.headers.etag) };
    expect(await dashboard.ask(`${path}/`, { headers: again })).toMatchObject({ status: 304, text: '' });
    expect(await dashboard.ask(`${path}/`, { method: 'HEAD', headers: bearer })).toMatchObject({
      status: 200,
      text: '',
    });
  });

  it('refuses whoever has not the token, and takes it as a header or for a session', async () => {
    const status = async (headers: Record<string, string>): Promise<number> =>
      (await dashboard.ask(`${path}/api/frame`, { headers })).status;
    expect(await status({})).toBe(403);
    expect(await status({ authorization: 'Bearer another token, longer' })).toBe(403);
    expect(await status(bearer)).toBe(200);

    const form = await dashboard.ask(`${path}/`);
    expect(form).toMatchObject({ status: 403, text: expect.stringContaining('Token of this dashboard') });
    const refused = await dashboard.ask(`${path}/api/login`, {
      method: 'POST',
      headers: { origin: dashboard.origin, authorization: 'Bearer another token, longer' },
    });
    expect(refused).toMatchObject({ status: 403, headers: {} });
    expect(refused.headers['set-cookie']).toBeUndefined();

    const { cookie } = await logIn();
    expect(await status({ cookie })).toBe(200);
    expect(await status({ cookie: `${cookie}x` })).toBe(403);
  });

  it('acts for its own page alone', async () => {
    const session = await logIn();
    const { text } = await dashboard.ask(`${path}/api/session`, { headers: session });
    const { csrf } = JSON.parse(text) as { csrf: string };
    await cache.set('k', 1);
    const attempt = async (headers: Record<string, string>): Promise<number> => {
      const remove = `${path}/api/actions/delete?namespace=shop&key=k`;
      return (await dashboard.ask(remove, { method: 'POST', headers })).status;
    };
    expect(await attempt(session)).toBe(403);
    expect(await attempt({ ...session, 'x-tiercel-csrf': `${csrf}x` })).toBe(403);
    expect(await attempt({ ...session, 'x-tiercel-csrf': csrf, origin: 'http://evil.example' })).toBe(403);
    expect(await attempt({ origin: session.origin, 'x-tiercel-csrf': csrf })).toBe(403);
    expect(await cache.get('k')).toBe(1);
    expect(await attempt({ ...session, 'x-tiercel-csrf': csrf })).toBe(200);
    expect(await cache.get('k')).toBeUndefined();
  });

  it('tells of what happens while it is looked at', async () => {
    const leaving = new AbortController();
    const reader = await openEvents(leaving.signal);
    const decoder = new TextDecoder();
    let told = '';
    const frame = async (isIt: (frame: DashboardFrame) => boolean): Promise<void> => {
      for (;;) {
        const end = told.indexOf('\n\n');
        if (end === -1) {
          const { value, done } = await reader.read();
          if (done) throw new Error('the stream has ended');
          told += decoder.decode(value, { stream: true });
          continue;
        }
        const [, data] = /^event: frame\ndata: (.*)$/.exec(told.slice(0, end)) ?? [];
        told = told.slice(end + 2);
        if (data !== undefined && isIt(JSON.parse(data) as DashboardFrame)) return;
      }
    };
    await frame(({ snapshot }) => snapshot.counters.sets === 0);
    await cache.set('k', 1);
    await frame(({ snapshot }) => snapshot.counters.sets === 1);
    leaving.abort();
  });

  it('forgets whoever goes, so that others may come', async () => {
    for (let i = 0; i < MOST_STREAMS; i++) {
      const leaving = new AbortController();
      await (await openEvents(leaving.signal)).read();
      leaving.abort();
    }
    // The server hears of the last ones in its own time.
    await eventually('there is room for as many again', async () => {
      const leaving = new AbortController();
      try {
        const opened = await Promise.all(
          Array.from({ length: MOST_STREAMS }, () =>
            fetch(`${dashboard.origin}${path}/api/events`, { headers: bearer, signal: leaving.signal }),
          ),
        );
        return opened.every(({ status }) => status === 200);
      } finally {
        leaving.abort();
      }
    });
  });
});

it('takes from Express what it is mounted at, in a router too', async () => {
  await using cache = createCache({ namespace: 'shop' });
  const router = express.Router().use('/cache', dashboardHandler(cache));
  await using dashboard = await MountedDashboard.behind(createServer(express().use('/ops', router)));
  expect(await dashboard.ask('/ops/cache')).toMatchObject({ status: 302, headers: { location: 'cache/' } });
  expect((await dashboard.ask('/ops/cache/')).status).toBe(200);
  expect((await dashboard.ask('/ops/cache/api/frame')).status).toBe(200);
  expect((await dashboard.ask('/cache/api/frame')).status).toBe(404);
});

describe('docs/guides/dashboard.md', () => {
  const text = (url: string): string => readFileSync(new URL(url, import.meta.url), 'utf8');
  /** Line by line: how far the lines stand in is another matter. */
  const lines = (code: string): string =>
    code
      .split('\n')
      .map((line) => line.trim())
      .join('\n');
  const guide = text('../../../docs/guides/dashboard.md');
  const [, first = ''] = /```ts\n([\s\S]*?)```/.exec(guide) ?? [];
  const snippets = [...guide.matchAll(/^In (?<name>\w+)\b.*\n\n```ts\n(?<code>[\s\S]*?)```/gm)];

  it('mounts it in every framework that is tried', () => {
    expect(['node:http', ...snippets.map(({ groups }) => groups?.['name'])]).toEqual(Object.keys(FRAMEWORKS));
  });

  it('mounts it in node:http as it is tried, but with no options', () => {
    const given = first.replace('(cache)', '(cache, options)').replace("'/tiercel'", 'options.path');
    const mounting = given.split('\n').filter((line) => /dashboard\w*\(/.test(line));
    expect(mounting).toHaveLength(2);
    for (const line of mounting) expect(text('./frameworks.ts')).toContain(line.trim());
  });

  it.each(snippets.map(({ groups }) => [groups?.['name'], groups?.['code'] ?? '']))(
    'mounts it in %s as it is tried',
    (_name, code) => {
      expect(lines(text('./frameworks.ts'))).toContain(lines(code));
    },
  );
});
