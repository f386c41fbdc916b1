import { CacheError } from '../errors.js';
import type { CacheManager } from '../manager/cache-manager.js';
import type { MemoryReport } from '../report/memory-report.js';
import { Access } from './access.js';
import { ACTIONS, deadLetters, wanted } from './actions.js';
import { dashboardSettings, type DashboardOptions, type DashboardSettings } from './dashboard-options.js';
import { EventStreams } from './event-stream.js';
import { json, Refusal, SAFETY_HEADERS, type DashboardAnswer, type DashboardRequest } from './exchange.js';
import { Frames, messageOf } from './frame.js';
import { Inside } from './inside.js';
import { isPageFile, pageFile } from './page-files.js';

/** What the form that asks for the token is made of: no more is shown to whoever is not in. */
const OF_LOGIN: ReadonlySet<string> = new Set(['login.js', 'style.css', 'icon.svg']);

/** Keys that a report looks at: enough for a fair estimate, and done within seconds. */
const REPORT_BOUNDS = { maxKeys: 5000, timeout: 5000 };

/** The dashboard of one cache, whatever server it is asked through. */
export class Dashboard {
  readonly #settings: DashboardSettings;
  readonly #access: Access;
  readonly #inside: Inside;
  readonly #frames: Frames;
  readonly #streams: EventStreams;
  readonly #reports = new Map<string, Promise<MemoryReport>>();

  /** @throws InvalidOptionError */
  constructor(cache: CacheManager, options: DashboardOptions) {
    this.#settings = dashboardSettings(options);
    this.#access = new Access(this.#settings);
    this.#inside = new Inside(cache);
    this.#frames = new Frames(this.#inside);
    this.#streams = new EventStreams(this.#frames, () => this.#inside.closed);
  }

  /** Never rejects. */
  async answer(request: DashboardRequest): Promise<DashboardAnswer> {
    const answer = await this.#answer(request).catch(refused);
    return { ...answer, headers: { ...SAFETY_HEADERS, ...answer.headers } };
  }

  async #answer(request: DashboardRequest): Promise<DashboardAnswer> {
    const { mount, route } = this.#place(request);
    if (route === '/api/login') {
      only('POST', request);
      return json({}, 200, { 'set-cookie': this.#access.logIn(request, mount || '/') });
    }
    const admitted = this.#access.admits(request);
    const file = route.slice(1);
    if (!admitted) {
      if (OF_LOGIN.has(file) && isPageFile(file)) return pageFile(file, request);
      if (route !== '' && route !== '/') throw new Refusal(403, 'The token is missing.');
    }
    // The page names its parts relative to itself, so that it need not know where it is mounted.
    if (route === '') return redirect(`${request.path.slice(request.path.lastIndexOf('/') + 1)}/`);
    if (route.startsWith('/api/')) return this.#api(route.slice('/api/'.length), request, mount);
    only('GET', request);
    if (route === '/') {
      return admitted ? pageFile('index.html', request) : pageFile('login.html', request, { status: 403 });
    }
    if (isPageFile(file)) return pageFile(file, request);
    throw nothing();
  }

  async #api(name: string, request: DashboardRequest, mount: string): Promise<DashboardAnswer> {
    const { query } = request;
    if (name === 'logout') {
      only('POST', request);
      return json({}, 200, { 'set-cookie': this.#access.logOut(request, mount || '/') });
    }
    if (name.startsWith('actions/')) {
      only('POST', request);
      this.#access.checkAction(request);
      const action = name.slice('actions/'.length);
      const run = Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined;
      if (!run) throw nothing();
      const message = await run(this.#inside, query);
      this.#frames.outdate();
      return json({ message });
    }
    only('GET', request);
    switch (name) {
      case 'session':
        return json({
          actions: this.#settings.actions,
          login: this.#settings.token !== undefined,
          csrf: this.#access.csrfToken(request),
        });
      case 'frame':
        return json(await this.#frames.first());
      case 'events':
        return {
          status: 200,
          headers: {
            'content-type': 'text/event-stream; charset=utf-8',
            'cache-control': 'no-store, no-transform',
            // nginx keeps answers back otherwise.
            'x-accel-buffering': 'no',
          },
          body: this.#streams.open(),
        };
      case 'entry': {
        const entry = await this.#inside.entry(query.get('namespace') ?? '', wanted(query, 'key'));
        if (!entry) throw new Refusal(404, 'There is nothing under this key that may be served.');
        return json(entry);
      }
      case 'memory':
        return json(await this.#report(query.get('namespace') ?? ''));
      case 'dead-letters':
        return json(await deadLetters(this.#inside, query));
      default:
        throw nothing();
    }
  }

  /** A report costs a look at many keys: those who ask meanwhile get the same. */
  #report(name: string): Promise<MemoryReport> {
    const running = this.#reports.get(name);
    if (running) return running;
    const report = this.#inside
      .namespace(name)
      .memory(REPORT_BOUNDS)
      .finally(() => this.#reports.delete(name));
    this.#reports.set(name, report);
    return report;
  }

  /** What is asked for, and where that is mounted. */
  #place({ path, mount }: DashboardRequest): { mount: string; route: string } {
    for (const known of [mount, this.#settings.path]) {
      if (known !== undefined && (path === known || path.startsWith(`${known}/`))) {
        return { mount: known, route: path.slice(known.length) };
      }
    }
    return { mount: '', route: path };
  }
}

function redirect(location: string): DashboardAnswer {
  return { status: 302, headers: { location, 'cache-control': 'no-store' }, body: '' };
}

function nothing(): Refusal {
  return new Refusal(404, 'There is nothing at this path.');
}

/** HEAD is answered as GET; the servers leave the body out. */
function only(method: 'GET' | 'POST', request: DashboardRequest): void {
  const given = request.method === 'HEAD' ? 'GET' : request.method;
  if (given !== method) throw new Refusal(405, `Only ${method} is allowed here.`);
}

function refused(error: unknown): DashboardAnswer {
  if (error instanceof Refusal) return json({ error: error.message }, error.status);
  if (error instanceof CacheError) return json({ error: error.message, code: error.code }, 502);
  return json({ error: messageOf(error) }, 500);
}
