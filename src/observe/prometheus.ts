/** What a cache counts, for Prometheus: by a registry of prom-client, or without it as text or as a handler of node:http. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { InvalidOptionError } from '../errors.js';
import { describeValue, rejectUnknownOptions } from '../validate.js';
import { clusterFamilies } from './cluster-families.js';
import { CONTENT_TYPE, exposition } from './exposition.js';
import { metricFamilies, namedFamilies } from './metric-families.js';
import type { Labels, MetricFamily } from './metric-family.js';
import { namedSources, type MetricsSources, type NamedSource } from './metrics-source.js';

export type { MetricsSource, MetricsSources } from './metrics-source.js';
export type { Labels } from './metric-family.js';

export interface PrometheusOptions {
  /** What the names of the metrics begin with. Default `tiercel_`. */
  readonly prefix?: string;
  /** Labels that every sample gets, such as `{ service: 'shop' }`. */
  readonly labels?: Labels;
}

/** As much of a `Registry` of prom-client (15) as is needed of it. */
export interface PrometheusRegistry {
  registerMetric(metric: never): void;
  removeSingleMetric(name: string): void;
}

const NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/**
 * Adds the metrics of a cache, or of several, to a registry of prom-client. Nothing is done until somebody asks the registry;
 * then one snapshot is taken for all of them.
 *
 * @param sources - a cache; or several by names, `{ shop, users }`, which become the label `cache`.
 * @returns takes them away again.
 * @throws InvalidOptionError; whatever the registry throws where a name is taken.
 *
 * @example
 * import { register } from 'prom-client'
 * registerMetrics(register, cache)
 */
export function registerMetrics(
  registry: PrometheusRegistry,
  sources: MetricsSources,
  options: PrometheusOptions = {},
): () => void {
  const collect = collector(sources, options);
  const registered = new Map<string, RegistryMetric>();
  let current: ReadonlyMap<string, MetricFamily> | undefined;
  const families = (): ReadonlyMap<string, MetricFamily> => {
    if (current) return current;
    current = new Map(collect().map((family) => [family.name, family]));
    // The registry asks each metric in the same turn: they must not tell of different moments.
    setImmediate(() => (current = undefined));
    // What other parts count may come later: it is in the next scrape.
    for (const family of current.values()) register(family);
    return current;
  };
  const register = ({ name, help, type }: MetricFamily): void => {
    if (registered.has(name)) return;
    const metric = new RegistryMetric(name, help, type, () => families().get(name));
    registry.registerMetric(metric as never);
    registered.set(name, metric);
  };
  families();
  return () => {
    for (const { name } of registered.values()) registry.removeSingleMetric(name);
    registered.clear();
  };
}

/**
 * The metrics as the text that Prometheus reads (exposition format 0.0.4); prom-client is not needed.
 *
 * @throws InvalidOptionError
 */
export function prometheusText(sources: MetricsSources, options: PrometheusOptions = {}): string {
  return exposition(collector(sources, options)());
}

/**
 * A handler of node:http that answers a scrape, for an application that has no registry.
 *
 * @throws InvalidOptionError
 *
 * @example
 * createServer(metricsHandler(cache)).listen(9464, '127.0.0.1')
 */
export function metricsHandler(
  sources: MetricsSources,
  options: PrometheusOptions = {},
): (request: IncomingMessage, response: ServerResponse) => void {
  const collect = collector(sources, options);
  return (request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD' }).end();
      return;
    }
    const body = exposition(collect());
    response.writeHead(200, { 'content-type': CONTENT_TYPE, 'content-length': Buffer.byteLength(body) });
    response.end(request.method === 'HEAD' ? undefined : body);
  };
}

/** One metric, as prom-client asks for it. */
class RegistryMetric {
  /** prom-client takes `_total` away from it where it writes OpenMetrics. */
  name: string;
  readonly help: string;
  readonly type: MetricFamily['type'];
  readonly aggregator = 'sum';
  readonly #family: () => MetricFamily | undefined;

  constructor(
    name: string,
    help: string,
    type: MetricFamily['type'],
    family: () => MetricFamily | undefined,
  ) {
    this.name = name;
    this.help = help;
    this.type = type;
    this.#family = family;
  }

  async get(): Promise<object> {
    const { name, help, type, aggregator } = this;
    const samples = this.#family()?.samples ?? [];
    const values = samples.map(({ suffix, labels, value }) => ({
      labels,
      value,
      ...(suffix && { metricName: name + suffix }),
    }));
    return { name, help, type, aggregator, values };
  }

  /** What is counted belongs to the cache, and is begun anew there. */
  reset(): void {
    return undefined;
  }
}

function collector(sources: MetricsSources, options: PrometheusOptions): () => MetricFamily[] {
  rejectUnknownOptions(options, ['prefix', 'labels'], 'prometheus');
  const { prefix = 'tiercel_', labels = {} } = options;
  if (typeof prefix !== 'string' || (prefix !== '' && !NAME.test(prefix))) {
    throw new InvalidOptionError(
      `prefix: expected the beginning of a metric's name, got ${describeValue(prefix)}`,
    );
  }
  for (const [name, value] of Object.entries(labels)) {
    if (!NAME.test(name) || typeof value !== 'string') {
      throw new InvalidOptionError(
        `labels: expected names of labels with texts, got '${name}': ${describeValue(value)}`,
      );
    }
  }
  const all = namedSources(sources);
  return () => merged(all.map((source) => familiesOf(source, prefix, labels)));
}

function familiesOf({ name, snapshot, nodes }: NamedSource, prefix: string, labels: Labels): MetricFamily[] {
  const taken = snapshot();
  const constant = name === undefined ? labels : { cache: name, ...labels };
  const ours = [...metricFamilies(taken), ...(nodes ? clusterFamilies(nodes()) : [])];
  const names = new Set(ours.map((family) => family.name));
  // A name of ours stays ours.
  const others = namedFamilies(taken).filter((family) => !names.has(family.name));
  return [...ours, ...others].map((family) => ({
    ...family,
    name: prefix + family.name,
    samples: family.samples.map((sample) => ({ ...sample, labels: { ...constant, ...sample.labels } })),
  }));
}

/** The families of several caches, those of one name together. */
function merged(all: readonly (readonly MetricFamily[])[]): MetricFamily[] {
  const byName = new Map<string, MetricFamily>();
  for (const family of all.flat()) {
    const known = byName.get(family.name);
    byName.set(family.name, known ? { ...known, samples: [...known.samples, ...family.samples] } : family);
  }
  return [...byName.values()];
}
