import { Option, type Command } from 'commander';
import type { DashboardFrame } from '../dashboard/frame.js';
import { UsageError } from './usage-error.js';

/** The dashboard of an application cannot be asked. */
export class DashboardError extends Error {
  override readonly name = 'DashboardError';
}

export interface DashboardFlags {
  readonly dashboard?: string;
  readonly token?: string;
  readonly timeout: number;
}

/** Options of those commands that may ask a process of the application instead of Redis. */
export function addDashboardOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--dashboard <url>',
        'ask the dashboard of an application instead, as http://host:3000/tiercel',
      ),
    )
    .addOption(
      new Option('--token <token>', 'the token of the dashboard; better given by the environment').env(
        'TIERCEL_DASHBOARD_TOKEN',
      ),
    );
}

/**
 * What one process of the application knows of itself, as its dashboard shows it.
 *
 * @throws UsageError for what is no URL; DashboardError where no frame comes.
 */
export async function dashboardFrame({
  dashboard = '',
  token,
  timeout,
}: DashboardFlags): Promise<DashboardFrame> {
  if (!/^https?:\/\//.test(dashboard) || !URL.canParse(dashboard)) {
    throw new UsageError(`--dashboard: expected http:// or https:// with a host, got '${dashboard}'`);
  }
  const url = new URL(dashboard);
  if (url.username !== '' || url.password !== '') {
    throw new UsageError(
      '--dashboard: a login in the URL is not used; give the token by TIERCEL_DASHBOARD_TOKEN',
    );
  }
  url.pathname = `${url.pathname.replace(/\/$/, '')}/api/frame`;
  const place = `the dashboard at ${url.origin}${url.pathname}`;
  let response: Response;
  try {
    response = await fetch(url, {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      redirect: 'error',
      signal: AbortSignal.timeout(timeout),
    });
  } catch (error) {
    const { cause, message } = error as Error;
    throw new DashboardError(
      `${place} cannot be reached: ${cause instanceof Error ? cause.message : message}`,
    );
  }
  const body: unknown = await response.json().catch(() => undefined);
  if (!response.ok) {
    const why = (body as { error?: unknown } | undefined)?.error;
    throw new DashboardError(
      `${place} answered ${response.status}${typeof why === 'string' ? `: ${why}` : ''}`,
    );
  }
  if (typeof body !== 'object' || body === null || !('snapshot' in body)) {
    throw new DashboardError(`${place} answered with something else than a frame of a dashboard`);
  }
  return body as DashboardFrame;
}
