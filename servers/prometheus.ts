import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from './free-port.js';
import { spawnGuarded, type GuardedProcess } from './guard.js';
import { provisionPrometheus } from './provision/prometheus.js';

export interface PrometheusOptions {
  /** What is scraped, as `host:port`. */
  readonly targets: readonly string[];
  /** Files with rules, by their whole paths. */
  readonly ruleFiles?: readonly string[];
}

/** One value that a query has found. */
interface QueryResult {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A Prometheus of our own, on loopback, which scrapes five times a second. It does not outlive the process that started it. */
export interface PrometheusServer extends AsyncDisposable {
  readonly url: string;
  /** An instant query in PromQL. */
  query(expression: string): Promise<QueryResult[]>;
  /** The answer of its API under `/api/v1/`. */
  api<T>(path: string): Promise<T>;
  stop(): Promise<void>;
}

const host = '127.0.0.1';

/**
 * Starts Prometheus, ready when this resolves.
 *
 * @throws Error if it cannot be had (with what helps), or does not come up (with the end of its log).
 */
export async function startPrometheus(options: PrometheusOptions): Promise<PrometheusServer> {
  const binary = await provisionPrometheus();
  const folder = await mkdtemp(join(tmpdir(), 'tiercel-prometheus-'));
  const port = await freePort(host);
  const url = `http://${host}:${port}`;
  const config = {
    global: { scrape_interval: '200ms', scrape_timeout: '200ms', evaluation_interval: '200ms' },
    rule_files: options.ruleFiles ?? [],
    scrape_configs: [{ job_name: 'app', static_configs: [{ targets: options.targets }] }],
  };
  // What is JSON is YAML too.
  await writeFile(join(folder, 'prometheus.yml'), JSON.stringify(config));
  const log = join(folder, 'log');
  const child = await spawnGuarded(
    binary.command,
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=${host}:${port}`,
    ],
    { folder, cwd: folder, log },
  );
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await child.exited;
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await untilReady(child, url);
  } catch (error) {
    const tail = existsSync(log) ? (await readFile(log, 'utf8')).slice(-2000) : '';
    await stop();
    throw new Error(`${binary.describe()} did not come up; its log ends:\n${tail}`, { cause: error });
  }
  const api = async <T>(path: string): Promise<T> => {
    const response = await fetch(`${url}/api/v1/${path}`);
    const body = (await response.json()) as { status: string; data: T; error?: string };
    if (body.status !== 'success') throw new Error(`Prometheus: ${body.error}`);
    return body.data;
  };
  return {
    url,
    api,
    async query(expression) {
      const { result } = await api<{
        result: { metric: Record<string, string>; value: [number, string] }[];
      }>(`query?query=${encodeURIComponent(expression)}`);
      return result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function untilReady(child: GuardedProcess, url: string): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (child.running && performance.now() < deadline) {
    const ready = await fetch(`${url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (ready) return;
    await pause(20);
  }
  throw new Error(child.running ? 'not ready within 20 s' : 'it ended while starting');
}
