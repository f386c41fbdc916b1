import { context, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { DataPointType, MeterProvider, MetricReader, type MetricData } from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base';
import { createCache, type CacheManager, type CacheOptions } from 'tiercel';
import { observeMetrics, traceCache } from 'tiercel/otel';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.js';
import { Opened, PATIENT } from '../../support/open-cache.js';
import { sharedRedisUrl, startRedis, uniquePrefix } from '../../support/redis.js';

let opened: Opened;
beforeEach(() => {
  opened = new Opened();
});
afterEach(() => opened.close());

async function open(options: Omit<CacheOptions, 'redis'> = {}): Promise<CacheManager> {
  const cache = createCache({
    redis: { url: sharedRedisUrl(), ...PATIENT },
    namespace: uniquePrefix(),
    ...options,
  });
  opened.add(() => cache.close());
  await cache.ready();
  return cache;
}

describe('metrics for OpenTelemetry', () => {
  class Reader extends MetricReader {
    protected override async onForceFlush(): Promise<void> {
      return undefined;
    }

    protected override async onShutdown(): Promise<void> {
      return undefined;
    }
  }

  async function collected(reader: Reader): Promise<Map<string, MetricData>> {
    const { resourceMetrics, errors } = await reader.collect();
    expect(errors).toEqual([]);
    const metrics = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
    return new Map(metrics.map((metric) => [metric.descriptor.name, metric]));
  }

  it('are what was counted, by the names and units of OpenTelemetry', async () => {
    const cache = await open();
    const reader = new Reader();
    const provider = new MeterProvider({ readers: [reader] });
    opened.add(() => provider.shutdown());
    const stop = observeMetrics(cache, { meter: provider.getMeter('test'), attributes: { cache: 'shop' } });
    await cache.getOrSet('secret', async () => 1);
    await eventually('the copy', () => cache.peek('secret') !== undefined);
    for (let i = 0; i < 99; i++) cache.peek('secret');
    cache.metrics.counter('preload.turns').add(2);

    const metrics = await collected(reader);
    const values = (name: string): unknown[] =>
      metrics.get(name)?.dataPoints.map(({ attributes, value }) => ({ ...attributes, value })) ?? [];
    const { memoryHits } = cache.metrics.snapshot().counters;
    const namespace = Object.keys(cache.metrics.snapshot().namespaces)[0];
    expect(values('tiercel.reads')).toContainEqual({
      cache: 'shop',
      namespace,
      layer: 'memory',
      outcome: 'hit',
      value: memoryHits,
    });
    expect(values('tiercel.loads')).toEqual([{ cache: 'shop', namespace, value: 1 }]);
    expect(values('tiercel.events')).toEqual([{ cache: 'shop', name: 'preload.turns', value: 2 }]);
    expect(values('tiercel.gauges')).toContainEqual({ cache: 'shop', name: 'loads.running', value: 0 });
    expect(metrics.get('tiercel.memory_bytes')?.descriptor.unit).toBe('By');
    expect(metrics.get('tiercel.operation_duration')?.descriptor.unit).toBe('s');
    expect(metrics.get('tiercel.reads')).toMatchObject({
      dataPointType: DataPointType.SUM,
      isMonotonic: true,
    });
    const load = { cache: 'shop', layer: 'load', operation: 'load', outcome: 'ok' };
    expect(values('tiercel.operation_duration.count')).toContainEqual({ ...load, value: 1 });
    expect(values('tiercel.operation_duration')).toContainEqual({
      ...load,
      quantile: '0.99',
      value: expect.any(Number),
    });
    expect(JSON.stringify([...metrics.values()])).not.toContain('secret');

    await eventually('a heartbeat', () => (cache.metrics.snapshot().coherence?.lag.count ?? 0) > 0);
    const lag = await collected(reader);
    expect(lag.get('tiercel.coherence_lag')?.descriptor.unit).toBe('s');
    expect(lag.get('tiercel.coherence_lag')?.dataPoints.map(({ attributes }) => attributes)).toContainEqual({
      cache: 'shop',
      quantile: '0.99',
    });
    expect(lag.get('tiercel.coherence_lag.count')?.dataPoints[0]?.value).toBeGreaterThan(0);

    stop();
    await cache.getOrSet('another', async () => 1);
    // The SDK repeats what it was told last.
    const after = (await collected(reader)).get('tiercel.loads')?.dataPoints;
    expect(after?.map(({ value }) => value)).toEqual([1]);
  });
});

describe('spans', () => {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const tracer = provider.getTracer('test');
  const manager = new AsyncLocalStorageContextManager();

  beforeAll(() => void context.setGlobalContextManager(manager.enable()));
  afterAll(async () => {
    context.disable();
    await provider.shutdown();
  });
  beforeEach(() => exporter.reset());

  /** What the application does for one request, in a span of its own. */
  const request = <T>(name: string, work: () => Promise<T>): Promise<T> =>
    tracer.startActiveSpan(name, async (span) => {
      try {
        return await work();
      } finally {
        span.end();
      }
    });

  const finished = (name: string): ReadableSpan[] =>
    exporter.getFinishedSpans().filter((span) => span.name === name);
  const only = (name: string): ReadableSpan => {
    const [span, ...more] = finished(name);
    expect([name, more.length]).toEqual([name, 0]);
    if (!span) throw new Error(`there is no span ${name}`);
    return span;
  };
  const isChildOf = (child: ReadableSpan, parent: ReadableSpan): boolean =>
    child.parentSpanContext?.spanId === parent.spanContext().spanId &&
    child.spanContext().traceId === parent.spanContext().traceId;

  it('show a load within the request it is for, and what the loader does within the load', async () => {
    const cache = await open();
    const namespace = Object.keys(cache.metrics.snapshot().namespaces)[0];
    const stop = traceCache(cache, { tracer });
    await request('GET /profile', () =>
      cache.getOrSet('secret', () => request('SELECT', async () => 'value')),
    );
    await eventually('the fill', () => finished('tiercel fill').length > 0);
    const load = only('tiercel load');
    expect(isChildOf(load, only('GET /profile'))).toBe(true);
    expect(isChildOf(only('SELECT'), load)).toBe(true);
    expect(isChildOf(only('tiercel get'), only('GET /profile'))).toBe(true);
    expect(load).toMatchObject({
      kind: SpanKind.INTERNAL,
      attributes: { 'tiercel.namespace': namespace, 'tiercel.layer': 'load', 'tiercel.outcome': 'ok' },
    });
    expect(only('tiercel get')).toMatchObject({
      kind: SpanKind.CLIENT,
      attributes: { 'tiercel.layer': 'redis', 'db.system.name': 'redis', 'tiercel.outcome': 'miss' },
    });
    expect(only('tiercel lease').attributes['tiercel.outcome']).toBe('ok');
    const told = exporter
      .getFinishedSpans()
      .map(({ name, attributes, events }) => ({ name, attributes, events }));
    expect(JSON.stringify(told)).not.toContain('secret');

    exporter.reset();
    await request('again', () => cache.getOrSet('secret', async () => 'never'));
    expect(exporter.getFinishedSpans().map(({ name }) => name)).toEqual(['again']);
    stop();
    await cache.set('k', 1);
    expect(finished('tiercel set')).toEqual([]);
  });

  it('belong each to its own request, though the reads of all are one command', async () => {
    const cache = await open();
    traceCache(cache, { tracer, keys: true });
    const keys = ['ada', 'grace', 'barbara'];
    await Promise.all(keys.map((key) => request(key, () => cache.getOrSet(key, async () => key))));
    for (const key of keys) {
      for (const name of ['tiercel get', 'tiercel load']) {
        const span = finished(name).find(({ attributes }) => attributes['tiercel.key'] === key);
        expect([key, name, span && isChildOf(span, only(key))]).toEqual([key, name, true]);
      }
    }
  });

  it('show writes, deletes and tags, and what kind of failure there was without its message', async () => {
    await using server = await startRedis();
    const cache = createCache({ redis: { url: server.url, commandTimeout: 200 }, namespace: 'shop' });
    opened.add(() => cache.close());
    await cache.ready();
    traceCache(cache, { tracer, attributes: { service: 'shop' } });
    await cache.set('secret', 1);
    await cache.delete('secret');
    await cache.invalidateTags(['t']);
    for (const name of ['tiercel set', 'tiercel delete', 'tiercel invalidateTags']) {
      expect(only(name).attributes).toMatchObject({
        service: 'shop',
        'tiercel.namespace': 'shop',
        'tiercel.outcome': 'ok',
      });
    }
    exporter.reset();
    await server.freeze();
    await expect(cache.delete('secret')).rejects.toThrow('Redis');
    await expect(cache.getOrSet('secret', () => Promise.reject(new TypeError('secret')))).rejects.toThrow();
    await server.thaw();
    expect(only('tiercel delete')).toMatchObject({
      status: { code: SpanStatusCode.ERROR },
      attributes: { 'tiercel.outcome': 'error', 'error.type': expect.stringMatching(/^TIERCEL_/) },
    });
    expect(only('tiercel load').attributes['error.type']).toBe('TypeError');
    const told = exporter
      .getFinishedSpans()
      .map(({ name, attributes, status, events }) => [name, attributes, status, events]);
    expect(JSON.stringify(told)).not.toContain('secret');
  });

  it('leave what the cache answers as it is, whatever is rejected', async () => {
    const cache = await open();
    traceCache(cache, { tracer });
    for (const reason of [undefined, null, 5, 'text', new Error('no')]) {
      const outcome = await cache
        .getOrSet('k', () => Promise.reject(reason))
        .then(
          () => 'a value',
          (error: unknown) => ({ error }),
        );
      expect(outcome).toEqual({ error: reason });
    }
    expect(finished('tiercel load')).toHaveLength(5);
  });

  it('are of one tracer at a time', async () => {
    const cache = await open();
    const stop = traceCache(cache, { tracer });
    expect(() => traceCache(cache, { tracer })).toThrow(/tracer already/);
    stop();
    traceCache(cache, { tracer })();
    expect(() => cache.trace({} as never)).toThrow(/run and begin/);
  });
});
