/** What a cache counts and does, for OpenTelemetry: observable metrics, and spans of loads and of what is asked of Redis. */

import {
  metrics,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type BatchObservableCallback,
  type Meter,
  type Observable,
  type Span,
  type Tracer,
} from '@opentelemetry/api';
import { CacheError } from '../errors.js';
import type { CacheManager } from '../manager/cache-manager.js';
import type { CacheTracer, TracedWork } from '../metrics/observers.js';
import type { HistogramSnapshot } from '../metrics/histogram.js';
import type { MetricsSnapshot } from '../metrics/snapshot.js';
import { rejectUnknownOptions } from '../validate.js';
import { metricFamilies } from './metric-families.js';
import type { MetricFamily } from './metric-family.js';
import { namedSources, type MetricsSource } from './metrics-source.js';

export interface OtelMetricsOptions {
  /** Default: `metrics.getMeter('tiercel')` of the global provider. */
  readonly meter?: Meter;
  /** Attributes of every value, such as `{ cache: 'shop' }`, to tell several caches apart. */
  readonly attributes?: Attributes;
}

export interface OtelTracesOptions {
  /** Default: `trace.getTracer('tiercel')` of the global provider. */
  readonly tracer?: Tracer;
  /** Attributes of every span. */
  readonly attributes?: Attributes;
  /**
   * Whether spans have the key as `tiercel.key`. A key may name a person, and whoever sees the traces sees it. Default false.
   */
  readonly keys?: boolean;
}

const QUANTILES = { p50: '0.5', p95: '0.95', p99: '0.99', p999: '0.999', max: '1' } as const;

/**
 * Observable metrics of a cache. Nothing is done until the SDK collects; then one snapshot is taken for all of them.
 *
 * The names are those of Prometheus without unit and `_total`: `tiercel.reads`, `tiercel.memory_bytes`. The API has no observable
 * histogram, so of durations there are `tiercel.operation_duration` as a gauge by `quantile`, and its `.count` and `.sum`. What
 * other parts count is in `tiercel.events` and `tiercel.gauges`, by `name`.
 *
 * @param source - a cache, its metrics, or a function that answers a snapshot.
 * @returns takes them away again.
 * @throws InvalidOptionError
 */
export function observeMetrics(source: MetricsSource, options: OtelMetricsOptions = {}): () => void {
  rejectUnknownOptions(options, ['meter', 'attributes'], 'observeMetrics');
  const { meter = metrics.getMeter('tiercel'), attributes = {} } = options;
  const [named] = namedSources(source);
  const take = named?.snapshot as () => MetricsSnapshot;
  const instruments = new Instruments(meter, metricFamilies(take()));
  const callback: BatchObservableCallback = (result) => {
    const observe: Observe = (name, value, own) => {
      const instrument = instruments.get(name);
      if (instrument) result.observe(instrument, value, { ...attributes, ...own });
    };
    observeSnapshot(take(), observe);
  };
  meter.addBatchObservableCallback(callback, instruments.all);
  return () => meter.removeBatchObservableCallback(callback, instruments.all);
}

/**
 * Spans of a cache: `tiercel load` around each load, so that what the loader does belongs to it, and `tiercel get`, `set`,
 * `delete`, `lease`, `fill` and `invalidateTags` for what is asked of Redis. A hit in memory makes none. A call that shares
 * another's load has no span of its own; the load belongs to the trace of the call that began it.
 *
 * Attributes: `tiercel.namespace`, `tiercel.layer`, `tiercel.outcome`, `db.system.name` where Redis is asked; no key unless
 * `keys` says so.
 *
 * @returns takes them away again.
 * @throws InvalidOptionError, also for a cache that has a tracer already.
 */
export function traceCache(cache: Pick<CacheManager, 'trace'>, options: OtelTracesOptions = {}): () => void {
  rejectUnknownOptions(options, ['tracer', 'attributes', 'keys'], 'traceCache');
  return cache.trace(new SpanTracer(options));
}

class SpanTracer implements CacheTracer {
  readonly #tracer: Tracer;
  readonly #attributes: Attributes;
  readonly #keys: boolean;

  constructor({ tracer = trace.getTracer('tiercel'), attributes = {}, keys = false }: OtelTracesOptions) {
    this.#tracer = tracer;
    this.#attributes = attributes;
    this.#keys = keys;
  }

  run<T>(work: TracedWork, run: () => Promise<T>): Promise<T> {
    return this.#tracer.startActiveSpan(`tiercel ${work.operation}`, this.#optionsOf(work), (span) => {
      const running = run();
      running.then(
        () => end(span, 'ok', undefined),
        (error: unknown) => end(span, 'error', error),
      );
      return running;
    });
  }

  begin(work: TracedWork): (outcome: string, error?: unknown) => void {
    const span = this.#tracer.startSpan(`tiercel ${work.operation}`, this.#optionsOf(work));
    return (outcome, error) => end(span, outcome, error);
  }

  #optionsOf({ operation, namespace, key }: TracedWork): { kind: SpanKind; attributes: Attributes } {
    const isLoad = operation === 'load';
    return {
      kind: isLoad ? SpanKind.INTERNAL : SpanKind.CLIENT,
      attributes: {
        ...this.#attributes,
        'tiercel.namespace': namespace,
        'tiercel.layer': isLoad ? 'load' : 'redis',
        ...(!isLoad && { 'db.system.name': 'redis' }),
        ...(this.#keys && key !== undefined && { 'tiercel.key': key }),
      },
    };
  }
}

function end(span: Span, outcome: string, error: unknown): void {
  span.setAttribute('tiercel.outcome', outcome);
  if (outcome === 'error') {
    span.setAttribute('error.type', kindOf(error));
    span.setStatus({ code: SpanStatusCode.ERROR });
  }
  span.end();
}

/** The message of an error may quote a key or a value, so only its kind is told. */
function kindOf(error: unknown): string {
  if (error instanceof CacheError) return error.code;
  return error instanceof Error ? error.name : typeof error;
}

type Observe = (name: string, value: number, attributes: Attributes) => void;

/** The instruments by their names; made once, since none can be taken away. */
class Instruments {
  readonly #byName = new Map<string, Observable>();

  constructor(meter: Meter, families: readonly MetricFamily[]) {
    for (const { name, help: description, type } of families) {
      const own = otelName(name);
      const unit = unitOf(name);
      if (type === 'counter') this.#add(own, meter.createObservableCounter(own, { description }));
      else if (type === 'gauge') this.#add(own, meter.createObservableGauge(own, { description, unit }));
      else {
        this.#add(own, meter.createObservableGauge(own, { description, unit }));
        this.#add(`${own}.count`, meter.createObservableCounter(`${own}.count`, { description }));
        this.#add(`${own}.sum`, meter.createObservableCounter(`${own}.sum`, { description, unit }));
      }
    }
    const events = { description: 'What other parts have counted, by name.' };
    this.#add('tiercel.events', meter.createObservableCounter('tiercel.events', events));
    const gauges = { description: 'What other parts tell of themselves, by name.' };
    this.#add('tiercel.gauges', meter.createObservableGauge('tiercel.gauges', gauges));
  }

  get all(): Observable[] {
    return [...this.#byName.values()];
  }

  get(name: string): Observable | undefined {
    return this.#byName.get(name);
  }

  #add(name: string, instrument: Observable): void {
    this.#byName.set(name, instrument);
  }
}

function observeSnapshot(snapshot: MetricsSnapshot, observe: Observe): void {
  for (const { name, type, samples } of metricFamilies(snapshot)) {
    if (type === 'histogram') continue;
    for (const { value, labels } of samples) observe(otelName(name), value, labels);
  }
  const histogram = (
    name: string,
    { count, sum, ...own }: HistogramSnapshot,
    attributes: Attributes,
  ): void => {
    observe(`${name}.count`, count, attributes);
    observe(`${name}.sum`, sum / 1000, attributes);
    for (const [field, quantile] of Object.entries(QUANTILES)) {
      observe(name, own[field as keyof typeof QUANTILES] / 1000, { ...attributes, quantile });
    }
  };
  for (const latency of snapshot.latency) {
    const { layer, operation, outcome } = latency;
    if (layer === 'memory') histogram('tiercel.memory_hit_duration', latency, {});
    else histogram('tiercel.operation_duration', latency, { layer, operation, outcome });
  }
  if (snapshot.staleAge.count > 0) histogram('tiercel.stale_age', snapshot.staleAge, {});
  const lag = snapshot.coherence?.lag;
  if (lag && lag.count > 0) histogram('tiercel.coherence_lag', lag, {});
  for (const [name, value] of Object.entries(snapshot.named.counters)) {
    observe('tiercel.events', value, { name });
  }
  for (const [name, value] of Object.entries(snapshot.named.gauges))
    observe('tiercel.gauges', value, { name });
}

/** OpenTelemetry keeps units beside names, and counters need not be called so. */
function otelName(name: string): string {
  return `tiercel.${name.replace(/_total$|_seconds$/, '')}`;
}

function unitOf(name: string): string {
  if (name.endsWith('_seconds')) return 's';
  return name.endsWith('_bytes') ? 'By' : '1';
}
