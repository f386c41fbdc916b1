import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { DashboardSettings } from './dashboard-options.js';
import { Refusal, type DashboardRequest } from './exchange.js';

const COOKIE = 'tiercel_session';
/** Milliseconds until a visitor has to show the token again. */
const SESSION_LIFE = 12 * 3600 * 1000;
/** A proxy says with these that the visitor is somebody else than the end of the connection. */
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'];

/**
 * Who is let in: this machine, or whoever has the token; never anybody else.
 *
 * Nothing is kept of a session: its cookie is its end and a MAC of that under the token, so that all processes of a fleet
 * take it, and a new token ends all sessions.
 */
export class Access {
  readonly #settings: DashboardSettings;
  readonly #key: string | Buffer;

  constructor(settings: DashboardSettings) {
    this.#settings = settings;
    this.#key = settings.token ?? randomBytes(32);
  }

  /**
   * Whether the visitor is in; false for one who may show the token.
   *
   * @throws Refusal for one who cannot get in.
   */
  admits(request: DashboardRequest): boolean {
    const { token } = this.#settings;
    this.#checkHost(request);
    if (token !== undefined) return this.#hasToken(request, token) || this.#hasSession(request);
    if (isLoopback(request.remote) && !FORWARDED.some((name) => request.header(name) !== undefined)) {
      return true;
    }
    throw new Refusal(403, 'Without a token the dashboard is only there for the machine it runs on.');
  }

  /** The cookie for a visitor who shows the token. @throws Refusal */
  logIn(request: DashboardRequest, path: string): string {
    const { token } = this.#settings;
    this.#checkHost(request);
    this.#checkOrigin(request);
    if (token === undefined || !this.#hasToken(request, token)) {
      throw new Refusal(403, 'That is not the token.');
    }
    const end = String(Date.now() + SESSION_LIFE);
    return this.#cookie(`${end}.${this.#mac(`session ${end}`)}`, SESSION_LIFE / 1000, path, request);
  }

  /** The cookie that ends a session. @throws Refusal */
  logOut(request: DashboardRequest, path: string): string {
    this.#checkOrigin(request);
    return this.#cookie('', 0, path, request);
  }

  /** What a page of this dashboard, and none of others, can read and must send with what changes something. */
  csrfToken(request: DashboardRequest): string {
    return this.#mac(`csrf ${sessionOf(request) ?? ''}`);
  }

  /** @throws Refusal unless actions are allowed, and the request came from a page of this dashboard. */
  checkAction(request: DashboardRequest): void {
    if (!this.#settings.actions) throw new Refusal(403, 'Actions are not allowed: see the option `actions`.');
    this.#checkOrigin(request);
    if (!isSame(request.header('x-tiercel-csrf') ?? '', this.csrfToken(request))) {
      throw new Refusal(403, 'The request does not carry the token of the page. Load the page anew.');
    }
  }

  #checkHost(request: DashboardRequest): void {
    const { hosts, token } = this.#settings;
    const name = nameOf(request.header('host'));
    const known = isLoopbackName(name) || (hosts ? hosts.has(name) : token !== undefined);
    if (!known) {
      throw new Refusal(403, 'The dashboard is not known under this name: see the option `hosts`.');
    }
  }

  /** Browsers say where a POST comes from, and no page can have them lie. */
  #checkOrigin(request: DashboardRequest): void {
    const origin = request.header('origin');
    const host = request.header('host');
    const site = request.header('sec-fetch-site') ?? 'same-origin';
    const same = origin !== undefined && URL.canParse(origin) && new URL(origin).host === host;
    if (!same || site !== 'same-origin') {
      throw new Refusal(403, 'The request does not come from a page of this dashboard.');
    }
  }

  #hasToken(request: DashboardRequest, token: string): boolean {
    const [, shown] = /^Bearer +(.+)$/i.exec(request.header('authorization') ?? '') ?? [];
    return shown !== undefined && isSame(shown, token);
  }

  #hasSession(request: DashboardRequest): boolean {
    const [end = '', mac = ''] = (sessionOf(request) ?? '').split('.');
    return isSame(mac, this.#mac(`session ${end}`)) && Number(end) > Date.now();
  }

  #cookie(value: string, maxAge: number, path: string, request: DashboardRequest): string {
    const secure = request.encrypted || request.header('x-forwarded-proto') === 'https';
    return (
      `${COOKIE}=${value}; Path=${path}; Max-Age=${maxAge}; HttpOnly; SameSite=Strict` +
      (secure ? '; Secure' : '')
    );
  }

  #mac(text: string): string {
    return createHmac('sha256', this.#key).update(text).digest('base64url');
  }
}

function sessionOf(request: DashboardRequest): string | undefined {
  return new RegExp(`(?:^|;\\s*)${COOKIE}=([^;]+)`).exec(request.header('cookie') ?? '')?.[1];
}

/** Takes as long for a good guess as for a bad one. Hashed first, so that lengths may differ. */
function isSame(a: string, b: string): boolean {
  return timingSafeEqual(digest(a), digest(b));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function isLoopback(address: string | undefined): boolean {
  return address !== undefined && /^(?:::ffff:)?127\.\d+\.\d+\.\d+$|^::1$/.test(address);
}

/** The name in a Host header, without the port. */
function nameOf(host: string | undefined): string {
  return (host ?? '').toLowerCase().replace(/:\d+$/, '');
}

function isLoopbackName(name: string): boolean {
  return name === 'localhost' || name === '[::1]' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name);
}
