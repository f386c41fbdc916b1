import { ClusterCacheManager } from '../manager/cluster-cache-manager.js';
import type { NodeInfo } from '../cluster/node-manager.js';
import type { CacheHealth } from '../manager/cache-health.js';
import type { CacheManager } from '../manager/cache-manager.js';
import type { MetricsSnapshot } from '../metrics/snapshot.js';
import type { PreloadStatus } from '../preload/cache-preloader.js';
import type { WriteBacklog } from '../strategies/write-behind/write-queue.js';
import { runInBackground } from '../runtime/background.js';
import type { PortState } from '../redis/port.js';
import type { Inside } from './inside.js';

/** One queue of writes to the database; the figures are left out where Redis could not tell. */
export interface QueueFrame extends Partial<WriteBacklog> {
  readonly namespace: string;
  readonly name: string;
}

/** One pattern of a preloader; `written` and `total` are those of its turn under way, or of the last. */
export interface PreloadFrame extends Omit<PreloadStatus, 'lastError' | 'progress'> {
  /** The number of its preloader, in the order made. */
  readonly preloader: number;
  readonly lastError?: string;
  readonly written: number;
  readonly total?: number;
}

/** One node of a Cluster: what is known of it, and what it did for this process. */
export interface NodeFrame extends Pick<NodeInfo, 'address' | 'role' | 'slots' | 'state' | 'healthy'> {
  readonly problem?: string;
  /** Milliseconds that its answer took when it was asked how it is; left out where none came. */
  readonly latency?: number;
  readonly commands: number;
  /** Its share of all commands, from 0 to 1. */
  readonly load: number;
  readonly errors: number;
  /** Of commands, in milliseconds. */
  readonly p99: number;
}

/** What the page is told once a second. */
export interface DashboardFrame {
  readonly snapshot: MetricsSnapshot;
  /** Left out for a cache without Redis. */
  readonly state?: PortState;
  /** Left out until Redis was asked, and for a cache without Redis. */
  readonly redis?: {
    readonly healthy: boolean;
    /** Milliseconds; left out where no answer came. */
    readonly latency?: number;
    readonly error?: string;
    /** By address, in milliseconds, of the servers that answered. */
    readonly latencies: Readonly<Record<string, number>>;
  };
  /** Left out but for a Cluster. */
  readonly nodes?: readonly NodeFrame[];
  /** Namespaces whose keys can be looked at: those that the application made. */
  readonly namespaces: readonly string[];
  readonly queues: readonly QueueFrame[];
  readonly preloads: readonly PreloadFrame[];
}

/** What Redis has to be asked for is asked at most this often, in milliseconds. */
const ASKED_EVERY = 2000;

/** Makes the frames. Never waits for Redis: a frame has what was last heard, so that the page lives on while it is away. */
export class Frames {
  readonly #inside: Inside;
  #health: CacheHealth['redis'];
  #queues: QueueFrame[] = [];
  #asking: Promise<void> | undefined;
  #askedAt = -Infinity;

  constructor(inside: Inside) {
    this.#inside = inside;
  }

  /** The first frame is worth waiting for what Redis says, within the deadline of a command. */
  async first(): Promise<DashboardFrame> {
    this.#ask();
    await this.#asking;
    return this.next();
  }

  next(): DashboardFrame {
    this.#ask();
    const { state, ...snapshot } = this.#inside.cache.stats();
    const health = this.#health;
    const nodes = nodesOf(this.#inside.cache);
    const redis = health && {
      healthy: health.healthy,
      ...(health.latency !== undefined && { latency: health.latency }),
      ...(health.error && { error: health.error.message }),
      latencies: Object.fromEntries(
        health.servers.flatMap(({ address, latency }) => (latency === undefined ? [] : [[address, latency]])),
      ),
    };
    return {
      snapshot,
      ...(state && { state }),
      ...(redis && { redis }),
      ...(nodes && { nodes }),
      namespaces: [...this.#inside.namespaces().keys()],
      queues: this.#queues,
      preloads: this.#preloads(),
    };
  }

  /** Something was done that Redis would tell of. */
  outdate(): void {
    this.#askedAt = -Infinity;
  }

  #ask(): void {
    if (this.#asking || performance.now() - this.#askedAt < ASKED_EVERY) return;
    this.#askedAt = performance.now();
    const asking = this.#askRedis();
    this.#asking = asking;
    runInBackground(
      asking.finally(() => (this.#asking = undefined)),
      () => undefined,
    );
  }

  async #askRedis(): Promise<void> {
    const { cache, queues } = this.#inside;
    const [health, found] = await Promise.all([
      cache.healthCheck(),
      Promise.all(
        queues.map(async ({ namespace, name, queue }): Promise<QueueFrame> => {
          const backlog = await queue.backlog().catch(() => undefined);
          return { namespace, name, ...backlog };
        }),
      ),
    ]);
    this.#health = health.redis;
    this.#queues = found;
  }

  #preloads(): PreloadFrame[] {
    return this.#inside.preloaders.flatMap((preloader, number) =>
      preloader.status().map(({ lastError, progress, ...status }) => ({
        ...status,
        preloader: number,
        ...(lastError !== undefined && { lastError: messageOf(lastError) }),
        written: progress?.written ?? 0,
        ...(progress?.total !== undefined && { total: progress.total }),
      })),
    );
  }
}

function nodesOf(cache: CacheManager): NodeFrame[] | undefined {
  if (!(cache instanceof ClusterCacheManager)) return undefined;
  const did = cache.clusterMetrics.snapshot().nodes;
  return cache.nodes.list().map(({ address, role, slots, state, healthy, problem, latency }) => ({
    address,
    role,
    slots,
    state,
    healthy,
    ...(problem !== undefined && { problem }),
    ...(latency !== undefined && { latency }),
    commands: did[address]?.commands ?? 0,
    load: did[address]?.load ?? 0,
    errors: did[address]?.errors ?? 0,
    p99: did[address]?.latency.p99 ?? 0,
  }));
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
