import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createCache, type CacheManager } from 'tiercel';
import { dashboardFetch, dashboardHandler } from 'tiercel/dashboard';
import { MountedDashboard } from './visitor.js';

const token = 'a token of some length';
const bearer = { authorization: `Bearer ${token}` };

describe('who is let into the dashboard', () => {
  let cache: CacheManager;

  beforeAll(() => {
    cache = createCache({ namespace: 'shop' });
  });
  afterAll(() => cache.close());

  /** As if the connection came from that address. */
  function from(
    address: string,
    options?: Parameters<typeof dashboardHandler>[1],
  ): Promise<MountedDashboard> {
    const handler = dashboardHandler(cache, options);
    return MountedDashboard.mount((request, response) => {
      Object.defineProperty(request.socket, 'remoteAddress', { value: address, configurable: true });
      handler(request, response);
    });
  }

  it.each(['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1'])('this machine, as %s', async (address) => {
    await using dashboard = await from(address);
    expect((await dashboard.ask('/tiercel/api/frame')).status).toBe(200);
  });

  it.each(['10.0.0.7', '192.168.1.4', '::ffff:10.0.0.7', '2001:db8::1', '128.0.0.1'])(
    'nobody without a token, as %s',
    async (address) => {
      await using dashboard = await from(address);
      for (const path of [
        '/tiercel/',
        '/tiercel/index.js',
        '/tiercel/login.js',
        '/tiercel/api/frame',
        '/tiercel/api/events',
      ]) {
        expect([path, (await dashboard.ask(path)).status]).toEqual([path, 403]);
      }
      expect((await dashboard.ask('/tiercel/api/frame', { headers: bearer })).status).toBe(403);
    },
  );

  it.each(['x-forwarded-for', 'forwarded', 'x-real-ip', 'via'])(
    'not a visitor from elsewhere whom a proxy on this machine tells of by %s',
    async (name) => {
      await using dashboard = await MountedDashboard.of(cache);
      expect((await dashboard.ask('/tiercel/api/frame', { headers: { [name]: '1.2.3.4' } })).status).toBe(
        403,
      );
    },
  );

  it.each(['evil.example', 'evil.example:80', 'localhost.evil.example', '127.0.0.1.evil.example'])(
    'not a web page that had its own name %s point here',
    async (host) => {
      await using dashboard = await MountedDashboard.of(cache);
      expect((await dashboard.ask('/tiercel/', { headers: { host } })).status).toBe(403);
    },
  );

  it('takes the names that it was told, and no others then', async () => {
    await using dashboard = await MountedDashboard.of(cache, { hosts: ['cache.example.com'], token });
    const asked = async (host: string): Promise<number> =>
      (await dashboard.ask('/tiercel/api/frame', { headers: { host, ...bearer } })).status;
    expect(await asked('cache.example.com')).toBe(200);
    expect(await asked('evil.example')).toBe(403);
  });

  it('with a token everybody needs it: this machine may be a proxy that keeps to itself for whom it asks', async () => {
    await using dashboard = await MountedDashboard.of(cache, { token });
    const status = async (headers: Record<string, string>): Promise<number> =>
      (await dashboard.ask('/tiercel/api/frame', { headers })).status;
    expect(await status({})).toBe(403);
    expect(await status({ authorization: 'Bearer a token of some lengtH' })).toBe(403);
    expect(await status({ authorization: 'Bearer ' })).toBe(403);
    expect(await status(bearer)).toBe(200);
  });

  it('with the token from anywhere', async () => {
    await using dashboard = await from('203.0.113.9', { token });
    expect((await dashboard.ask('/tiercel/api/frame', { headers: bearer })).status).toBe(200);
    expect((await dashboard.ask('/tiercel/', { headers: bearer })).status).toBe(200);
    expect((await dashboard.ask('/tiercel/index.js')).status).toBe(403);
    const form = await dashboard.ask('/tiercel/');
    expect(form.status).toBe(403);
    expect(form.text).toContain('Token of this dashboard');
    expect((await dashboard.ask('/tiercel/login.js')).status).toBe(200);
  });

  it('gives for the token a cookie that no script and no other site can use, and that ends', async () => {
    await using dashboard = await MountedDashboard.of(cache, { token });
    const origin = { origin: dashboard.origin };
    const logIn = (headers: Record<string, string>) =>
      dashboard.ask('/tiercel/api/login', { method: 'POST', headers });
    expect((await logIn({ ...origin, authorization: 'Bearer not the right token' })).status).toBe(403);
    expect((await logIn({ ...bearer, origin: 'http://evil.example' })).status).toBe(403);
    expect((await logIn(bearer)).status).toBe(403);

    const [cookie = ''] = (await logIn({ ...origin, ...bearer })).headers['set-cookie'] ?? [];
    expect(cookie).toMatch(/^tiercel_session=\S+; Path=\/tiercel; Max-Age=43200; HttpOnly; SameSite=Strict$/);
    expect(cookie).not.toContain(token);
    const [session = ''] = cookie.split(';');
    const status = async (shown: string): Promise<number> =>
      (await dashboard.ask('/tiercel/api/frame', { headers: { cookie: shown } })).status;
    expect(await status(session)).toBe(200);
    expect(await status(`other=1; ${session}`)).toBe(200);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 12 * 3_600_000 + 1 });
    expect(await status(session)).toBe(403);
    vi.useRealTimers();
    const [end = '', mac = ''] = session.slice('tiercel_session='.length).split('.');
    expect(await status(`tiercel_session=${Number(end) + 1}.${mac}`)).toBe(403);
    expect(await status(`tiercel_session=.${mac}`)).toBe(403);
  });

  it('refuses a token that is short, or that the environment did not have', () => {
    expect(() => dashboardHandler(cache, { token: 'short' })).toThrow(
      /dashboard.token: expected at least 16/,
    );
    expect(() => dashboardHandler(cache, { token: undefined })).toThrow(/dashboard.token/);
    expect(() => dashboardHandler(cache, { token: 'short' })).not.toThrow(/'short'/);
    expect(() => dashboardHandler(cache, { path: 'tiercel/' })).toThrow(/dashboard.path/);
    expect(() => dashboardHandler(cache, { acions: true } as object)).toThrow(/did you mean 'actions'/);
    expect(() => dashboardFetch(cache, {} as { token: string })).toThrow(/dashboard.token/);
  });

  it('says with every answer that nothing else may run, be asked, frame it, or keep its figures', async () => {
    await using dashboard = await MountedDashboard.of(cache);
    for (const path of ['/tiercel/', '/tiercel/api/frame', '/tiercel/nothing', '/tiercel/style.css']) {
      const { headers } = await dashboard.ask(path);
      expect(headers['content-security-policy']).toMatch(
        /^default-src 'none'; script-src 'self'; style-src 'self'/,
      );
      expect(headers['content-security-policy']).not.toContain('unsafe');
      expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
      expect(headers['x-content-type-options']).toBe('nosniff');
      expect(headers['referrer-policy']).toBe('no-referrer');
      expect(headers['access-control-allow-origin']).toBeUndefined();
    }
    expect((await dashboard.ask('/tiercel/api/frame')).headers['cache-control']).toBe('no-store');
    const page = await dashboard.ask('/tiercel/');
    expect(page.text).not.toMatch(/<script(?![^>]*src=)|<style|style=|https?:\/\//);
    const etag = String(page.headers.etag);
    expect(await dashboard.ask('/tiercel/', { headers: { 'if-none-match': etag } })).toMatchObject({
      status: 304,
      text: '',
    });
  });

  it('answers where it is mounted, and tells what it has not', async () => {
    await using dashboard = await MountedDashboard.of(cache, { path: '/admin/cache' });
    expect(await dashboard.ask('/admin/cache')).toMatchObject({
      status: 302,
      headers: { location: 'cache/' },
    });
    const statuses: Record<string, number> = {
      '/admin/cache/': 200,
      '/admin/cache/style.css': 200,
      // As behind a proxy that takes the path away.
      '/': 200,
      '/admin/cache/nothing': 404,
      '/admin/cache/../package.json': 404,
      '/admin/cache/%2e%2e/index.html': 404,
      '/admin/cache/constructor': 404,
      '/admin/cache/api/nothing': 404,
      '/admin/cache/api/actions/delete': 405,
      '/admin/cache/api/entry': 400,
      '/admin/cache/api/entry?namespace=other&key=k': 404,
      '/admin/cache/api/entry?namespace=shop&key=k': 404,
    };
    for (const [path, status] of Object.entries(statuses)) {
      expect([path, (await dashboard.ask(path)).status]).toEqual([path, status]);
    }
    expect(await dashboard.ask('/admin/cache/', { method: 'HEAD' })).toMatchObject({ status: 200, text: '' });
  });

  it('answers a Request, for whoever has the token', async () => {
    const dashboard = dashboardFetch(cache, { token });
    const ask = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
      dashboard(new Request(`http://localhost:3000/tiercel${path}`, { headers }));
    expect((await ask('/api/frame')).status).toBe(403);
    expect(await (await ask('/api/frame', bearer)).json()).toMatchObject({ snapshot: { version: 1 } });
    const events = await ask('/api/events', bearer);
    expect(events.headers.get('content-type')).toMatch('text/event-stream');
    const reader = (events.body as ReadableStream<Uint8Array>).getReader();
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe('retry: 2000\n\n');
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toMatch(
      /^event: frame\ndata: \{.*\}\n\n$/,
    );
    await reader.cancel();
  });

  describe('what changes something', () => {
    const remove = '/tiercel/api/actions/delete?namespace=shop&key=k';

    async function csrfOf(
      dashboard: MountedDashboard,
      headers: Record<string, string> = {},
    ): Promise<string> {
      const { text } = await dashboard.ask('/tiercel/api/session', { headers });
      return (JSON.parse(text) as { csrf: string }).csrf;
    }

    it('is refused unless it is allowed', async () => {
      await using dashboard = await MountedDashboard.of(cache);
      const headers = { origin: dashboard.origin, 'x-tiercel-csrf': await csrfOf(dashboard) };
      await cache.set('k', 1);
      const answer = await dashboard.ask(remove, { method: 'POST', headers });
      expect(answer).toMatchObject({ status: 403 });
      expect(answer.text).toContain('Actions are not allowed');
      expect(await cache.get('k')).toBe(1);
    });

    it('is done for a page of this dashboard alone', async () => {
      await using dashboard = await MountedDashboard.of(cache, { actions: true });
      const csrf = await csrfOf(dashboard);
      const { origin } = dashboard;
      const attempt = async (headers: Record<string, string>): Promise<number> =>
        (await dashboard.ask(remove, { method: 'POST', headers })).status;
      await cache.set('k', 1);
      expect(await attempt({})).toBe(403);
      expect(await attempt({ origin })).toBe(403);
      expect(await attempt({ origin, 'x-tiercel-csrf': `${csrf}x` })).toBe(403);
      expect(await attempt({ 'x-tiercel-csrf': csrf })).toBe(403);
      expect(await attempt({ origin: 'http://evil.example', 'x-tiercel-csrf': csrf })).toBe(403);
      expect(await attempt({ origin: 'null', 'x-tiercel-csrf': csrf })).toBe(403);
      expect(await attempt({ origin, 'x-tiercel-csrf': csrf, 'sec-fetch-site': 'same-site' })).toBe(403);
      expect(await cache.get('k')).toBe(1);
      expect(await attempt({ origin, 'x-tiercel-csrf': csrf })).toBe(200);
      expect(await cache.get('k')).toBeUndefined();
    });

    it('needs the token of its own session', async () => {
      await using dashboard = await MountedDashboard.of(cache, { actions: true, token });
      const { origin } = dashboard;
      const login = await dashboard.ask('/tiercel/api/login', {
        method: 'POST',
        headers: { origin, ...bearer },
      });
      const [cookie = ''] = login.headers['set-cookie']?.[0]?.split(';') ?? [];
      const attempt = async (csrf: string): Promise<number> =>
        (await dashboard.ask(remove, { method: 'POST', headers: { origin, cookie, 'x-tiercel-csrf': csrf } }))
          .status;
      expect(await attempt(await csrfOf(dashboard, bearer))).toBe(403);
      expect(await attempt(await csrfOf(dashboard, { cookie }))).toBe(200);
    });
  });

  it('ends its streams when the cache is closed', async () => {
    const short = createCache({ namespace: 'short' });
    await using dashboard = await MountedDashboard.of(short);
    const stream = dashboard.ask('/tiercel/api/events');
    await short.close();
    expect((await stream).text).toContain('event: frame');
  });
});
