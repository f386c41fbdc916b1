import { InvalidOptionError } from '../errors.js';
import { describeValue, oneOf, rejectUnknownOptions } from '../validate.js';

/** Who may see a dashboard, and what they may do there. */
export interface DashboardOptions {
  /**
   * What a visitor must show, as `Authorization: Bearer` or in the form that the dashboard asks with: at least 16 characters.
   * With a token everybody needs it. Without one only this machine is let in: a connection from a loopback address, to a
   * loopback name, and not through a proxy that says so.
   */
  readonly token?: string | undefined;
  /** Allows what changes something: removing, clearing, replaying, preloading. Default false. */
  readonly actions?: boolean;
  /** Where it is mounted. Express tells by itself; and where a proxy takes the path away it does not matter. Default `/tiercel`. */
  readonly path?: string;
  /**
   * Names that it may be asked under, as in `cache.example.com`; those of loopback always are. A request for another one is
   * refused: it may be a web page that had its own name point here (DNS rebinding). Default: any with a token, else none.
   */
  readonly hosts?: readonly string[];
}

/** The same, checked. */
export interface DashboardSettings {
  readonly token: string | undefined;
  readonly actions: boolean;
  readonly path: string;
  readonly hosts: ReadonlySet<string> | undefined;
}

const SHORTEST_TOKEN = 16;

/** @throws InvalidOptionError */
export function dashboardSettings(options: DashboardOptions): DashboardSettings {
  rejectUnknownOptions(options, ['token', 'actions', 'path', 'hosts'], 'dashboard');
  const { token, path = '/tiercel', hosts } = options;
  // An environment variable that is not set must not open the door: nor is '' a token.
  if ('token' in options && (typeof token !== 'string' || token.length < SHORTEST_TOKEN)) {
    throw new InvalidOptionError(
      `dashboard.token: expected at least ${SHORTEST_TOKEN} characters, got ${describeValue(token, 'token')}`,
    );
  }
  if (typeof path !== 'string' || (path !== '' && !/^(\/[^/?#]+)+$/.test(path))) {
    throw new InvalidOptionError(
      `dashboard.path: expected a path such as '/tiercel', got ${describeValue(path)}`,
    );
  }
  if (hosts !== undefined && !(Array.isArray(hosts) && hosts.every((host) => typeof host === 'string'))) {
    throw new InvalidOptionError(`dashboard.hosts: expected names of hosts, got ${describeValue(hosts)}`);
  }
  return {
    token,
    actions: oneOf(options.actions ?? false, [true, false], 'dashboard.actions'),
    path,
    hosts: hosts && new Set(hosts.map((host) => host.toLowerCase())),
  };
}
