/**
 * Compiled with the tests and never run: what applications may write to see what a cache does, and what they may not.
 */

import { subscribe } from 'node:diagnostics_channel';
import { createServer } from 'node:http';
import type { Meter, Tracer } from '@opentelemetry/api';
import type { Registry } from 'prom-client';
import {
  createCache,
  mergeSnapshots,
  type CacheChannels,
  type CacheClient,
  type CacheHealth,
  type CacheManager,
  type ClusterCacheManager,
  type LoadEvent,
  type MetricsCounters,
  type MetricsSnapshot,
  type ReadEvent,
} from 'tiercel';
import { livenessHandler, readinessHandler } from 'tiercel/health';
import { observeMetrics, traceCache } from 'tiercel/otel';
import { metricsHandler, prometheusText, registerMetrics } from 'tiercel/prometheus';

/** Compiles only where the two types are the same. */
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
const same = <A, B>(...proof: Same<A, B> extends true ? [] : [never]): number => proof.length;

declare const cache: CacheManager;
declare const cluster: ClusterCacheManager;
declare const client: CacheClient;

export function snapshots(): void {
  const { counters, windows, latency, hotKeys } = cache.metrics.snapshot();
  same<typeof counters.memoryHits, number>();
  same<(typeof windows)[number]['perSecond'], MetricsCounters>();
  same<(typeof latency)[number]['outcome'], 'hit' | 'miss' | 'error' | 'ok' | 'refused'>();
  void hotKeys?.keys[0]?.share;
  // @ts-expect-error no such count
  void counters.memoryHit;
  // @ts-expect-error a snapshot does not change
  counters.hits = 0;
  same<ReturnType<typeof mergeSnapshots>, MetricsSnapshot>();
  cache.metrics.counter('orders.placed').add(2);
  const remove = cache.metrics.gauge('orders.open', () => 5);
  remove();
  createCache({ metrics: { hotKeys: false } });
  // @ts-expect-error a number or false
  createCache({ metrics: { hotKeys: true } });
}

export function prometheus(registry: Registry): void {
  const unregister = registerMetrics(
    registry,
    { shop: cache, client, cluster },
    { labels: { service: 'shop' } },
  );
  unregister();
  const text = prometheusText(() => mergeSnapshots([cache.metrics.snapshot(), client.stats()]));
  same<typeof text, string>();
  // @ts-expect-error not a source
  prometheusText(5);
  createServer(metricsHandler(cache.metrics));
}

export function openTelemetry(meter: Meter, tracer: Tracer): void {
  observeMetrics(cache, { meter, attributes: { cache: 'shop' } })();
  traceCache(cache, { tracer, keys: true })();
  // @ts-expect-error a client makes no spans
  traceCache(client);
}

export async function health(): Promise<void> {
  createServer(readinessHandler(cache, { requireHealthy: true }));
  createServer(livenessHandler(cache));
  const { redis, coherence, writeBehind, preloads }: CacheHealth = await cache.healthCheck();
  void [redis?.servers[0]?.address, coherence?.armed, writeBehind?.pending, preloads?.lastError?.pattern];
}

export function channels(): void {
  subscribe('tiercel:load', (message) => void (message as LoadEvent).duration);
  same<CacheChannels['tiercel:read'], ReadEvent>();
}
