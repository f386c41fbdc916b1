import type { Watch } from '../coherence/watches.js';
import { CacheError } from '../errors.js';
import type { Layer } from '../metrics/channels.js';
import type { NamespaceMetrics } from '../metrics/namespace-metrics.js';
import { turnClock } from '../runtime/turn-clock.js';
import type { Copies } from './copies.js';
import { countFill, countLease, countLoad, traced } from './counted.js';
import type { EntryPolicy } from './entry-policy.js';
import { isServed, judge, type Verdict } from './freshness.js';
import type { LayerContext, RedisParts } from './layer-context.js';
import { freshOf, type Fresh } from './fresh.js';
import { keepLease } from './lease-keeper.js';
import { giveBack, takeLease, takeOver } from './leases.js';
import { longerPause, NOT_TOLD, TOLD } from './lease-polling.js';
import { awaitChange, awaitRefresh } from './lease-waits.js';
import { orStale, runLoad, type Loaded } from './load.js';
import type { Kept } from './memory-tier.js';
import { askRedis, RedisAway } from './redis-away.js';
import { isDue, isRefreshedBeside } from './refreshing.js';
import type { Filled, Found, InTheWay, Lease, StoredEntry } from './shared-tier.js';
import type { FirstReads, Flight, SingleFlight } from './single-flight.js';

/** The source of the reads of all flights: but one at a time reads a key, whatever the namespace. */
const FLIGHTS = {};

/**
 * How a flight comes to its answer: through Redis, waiting for the load of whoever has the lease or loading under its own; or,
 * where Redis fails, by a load alone.
 */
export class Loading implements FirstReads {
  readonly #context: LayerContext;
  readonly #counts: NamespaceMetrics;
  readonly #redis: RedisParts | undefined;
  readonly #copies: Copies;
  readonly #flights: SingleFlight;
  /** Those that load under a lease, by key: one that nobody may join any more may still be waited for. */
  readonly #underLease = new Map<string, Flight>();

  constructor(context: LayerContext, redis: RedisParts | undefined, copies: Copies, flights: SingleFlight) {
    this.#context = context;
    this.#counts = context.counts;
    this.#redis = redis;
    this.#copies = copies;
    this.#flights = flights;
  }

  /** Sees to it that the flight ends. */
  begin<T>(flight: Flight<T>): void {
    const redis = this.#redis;
    const redisKey = redis?.shared.redisKey(flight.key) ?? flight.key;
    if (!redis || redis.recovery.isPending(redisKey)) {
      flight.follow(this.#loadAlone(flight));
      return;
    }
    // What is not kept need not be watched.
    if (this.#copies.keeps(flight.policy)) flight.watch = this.#context.watches.begin(redisKey);
    redis.shared.readTo(redisKey, traced(this.#context, flight.key, flight), 0, FLIGHTS);
  }

  /** Most reads end here: they take no further promise and no second turn where they find what they look for. */
  firstRead<T>(flight: Flight<T>, bytes: Buffer | null): void {
    const redis = this.#redis as RedisParts;
    if (this.isDoubtful(flight.key, redis)) {
      this.#unwatch(flight);
      flight.follow(this.#loadAlone(flight));
      return;
    }
    try {
      const found = redis.shared.decode(flight.key, bytes);
      if (!this.#settleAtOnce(found, flight, redis)) {
        // A change since makes what was found worth nothing, and the way on begins with a read of its own.
        flight.follow(this.#throughRedis(flight, redis, flight.watch?.changed ? undefined : found));
      }
    } catch (error) {
      flight.fail(error);
    } finally {
      this.#unwatch(flight);
    }
  }

  /** Because something that is no string is in the way, or because Redis is. */
  firstReadFailed<T>(flight: Flight<T>, error: CacheError): void {
    const redis = this.#redis as RedisParts;
    this.#unwatch(flight);
    const found = redis.shared.inTheWay(flight.key, error);
    if (found) {
      flight.follow(this.#throughRedis(flight, redis, found));
      return;
    }
    this.#counts.readFromRedis('error', turnClock.now() - flight.began, flight.key);
    this.#context.onBackgroundError(error, 'read', flight.key);
    flight.follow(this.#loadAlone(flight));
  }

  /**
   * A fresh value in Redis, of no tag, and nothing more to ask of anyone.
   *
   * @returns whether the flight has its answer.
   */
  #settleAtOnce<T>(found: Found, flight: Flight<T>, redis: RedisParts): boolean {
    if (found.kind !== 'value' || found.header.tags.length > 0) return false;
    const { key, policy, watch } = flight;
    if (this.#judgeAge(found, policy, redis) !== 'fresh' || isDue(found, flight)) return false;
    this.#counts.readFromRedis('hit', turnClock.now() - flight.began, key);
    if (watch) this.keepFound(key, found, policy, watch);
    if (this.#context.observers.areReadsWatched) this.tell(key, 'redis', found.header.createdAt, 'fresh');
    flight.settle(found.value as T);
    return true;
  }

  #unwatch<T>(flight: Flight<T>): void {
    if (!flight.watch) return;
    this.#context.watches.end(flight.watch);
    flight.watch = undefined;
  }

  /** What stands in Redis, as far as it may be served; it is kept in memory. Rejects with `RedisAway`. */
  async find(
    key: string,
    policy: EntryPolicy,
    redis: RedisParts,
  ): Promise<{ readonly entry: StoredEntry; readonly verdict: Verdict } | undefined> {
    const watch = this.#context.watches.begin(redis.shared.redisKey(key));
    try {
      const found = await redis.shared.read(key);
      if (found.kind !== 'value') return undefined;
      const verdict = await this.judge(found, policy, redis);
      if (!isServed(verdict) || this.isDoubtful(key, redis)) return undefined;
      this.keepFound(key, found, policy, watch);
      return { entry: found, verdict };
    } finally {
      this.#context.watches.end(watch);
    }
  }

  /**
   * Whether what was read of the key may be of before an invalidation. That is asked behind a read, too: it may have been sent
   * on to a new primary, which lacks what the one before it had confirmed, and that became known while it was under way.
   */
  isDoubtful(key: string, { recovery, shared }: RedisParts): boolean {
    return recovery.pending && recovery.isPending(shared.redisKey(key));
  }

  /** What to do with an entry, by its age and its tags. Rejects with `RedisAway`. */
  judge(found: StoredEntry, policy: EntryPolicy, redis: RedisParts): Verdict | Promise<Verdict> {
    return found.header.tags.length === 0
      ? this.#judgeAge(found, policy, redis)
      : this.#judgeTagged(found, policy, redis);
  }

  /** @param first - what the first read has found. */
  async #throughRedis<T>(flight: Flight<T>, redis: RedisParts, first: Found | undefined): Promise<T> {
    const { key, policy, began } = flight;
    const { shared } = redis;
    let missed = false;
    let waited = false;
    let known = first;
    let deadline = began + shared.deadline() - performance.now();
    const polling = this.#context.tellsChanges ? TOLD : NOT_TOLD;
    for (let poll = polling.first; ; poll = longerPause(poll, polling)) {
      flight.phase = 'reading';
      const watch = this.#context.watches.begin(shared.redisKey(key));
      try {
        if (redis.recovery.isPending(shared.redisKey(key))) return await this.#loadAlone(flight);
        const found = await (known ? shared.finish(key, known) : shared.read(key));
        known = undefined;
        if (this.isDoubtful(key, redis)) return await this.#loadAlone(flight);
        let verdict = found.kind === 'value' ? await this.judge(found, policy, redis) : 'expired';
        if (verdict === 'fresh' && isDue(found, flight)) verdict = 'early';
        if (found.kind === 'value' && (verdict === 'fresh' || (!flight.refresh && isServed(verdict)))) {
          if (!missed) this.#counts.readFromRedis('hit', turnClock.now() - began, key);
          this.keepFound(key, found, policy, watch);
          if (verdict === 'revalidate') this.servedStale('revalidate', found.header.createdAt);
          if (verdict !== 'fresh') flight.afterwards = this.#refresh(flight, found, redis);
          this.tell(key, 'redis', found.header.createdAt, verdict);
          return found.value as T;
        }
        if (!missed) this.#counts.readFromRedis('miss', turnClock.now() - began, key);
        missed = true;

        if (found.kind === 'unreadable') return await this.#loadOver(flight, redis, found);
        if (found.kind === 'value' && verdict === 'expired') {
          // A refresh that began before the end of the entry stores its outcome yet, as long as the entry stands.
          const isOver =
            isRefreshedBeside(policy) && judge(found.header, policy, shared.turnNow()) === 'expired';
          if (isOver && (await awaitRefresh(this.#context, redis, watch, poll, flight as Flight))) {
            waited = true;
            deadline = shared.deadline();
            continue;
          }
          const lease = await takeOver(this.#context, redis, key, found, { duration: policy.lease, waited });
          if (lease) return await this.#loadUnder(lease, flight, redis, { entry: found, verdict });
          // Somebody was faster, which is told as any change.
          await awaitChange(this.#context, watch.change, poll, flight as Flight);
          waited = true;
          deadline = shared.deadline();
        } else if (found.kind === 'value') {
          const ask = (): Promise<Lease | undefined> => shared.leaseRefresh(key, found, policy.lease);
          const lease = await askRedis(countLease(this.#context, key, waited, ask));
          if (lease) return await this.#loadUnder(lease, flight, redis, { entry: found, verdict });
          if (flight.refresh && isServed(verdict)) return found.value as T;
          await awaitRefresh(this.#context, redis, watch, poll, flight as Flight);
          waited = true;
          deadline = shared.deadline();
        } else if (found.kind === 'lease') {
          this.#underLease.get(key)?.stay();
          await awaitChange(this.#context, watch.change, poll, flight as Flight);
          waited = true;
          deadline = shared.deadline();
        } else {
          const lease = await takeLease(this.#context, redis, key, {
            duration: policy.lease,
            waited,
            deadline,
          });
          if (lease.kind === 'held') return await this.#loadUnder(lease, flight, redis, undefined);
          // Somebody was faster. The next read says what they did, and has us told of what they do next; unless they
          // left nothing to be read.
          if (lease.kind !== 'loading') continue;
          await awaitRefresh(this.#context, redis, watch, poll, flight as Flight);
          deadline = shared.deadline();
        }
      } catch (error) {
        if (!(error instanceof RedisAway)) throw error;
        if (missed) this.#counts.otherErrors++;
        else this.#counts.readFromRedis('error', turnClock.now() - began, key);
        this.#context.onBackgroundError(error.cause, 'read', key);
        return await this.#loadAlone(flight);
      } finally {
        this.#context.watches.end(watch);
      }
    }
  }

  async #refresh<T>(flight: Flight<T>, entry: StoredEntry, redis: RedisParts): Promise<void> {
    const { key, policy } = flight;
    try {
      const ask = (): Promise<Lease | undefined> => redis.shared.leaseRefresh(key, entry, policy.lease);
      const lease = await countLease(this.#context, key, false, ask);
      if (!lease) return;
      await this.#loadUnder(lease, flight, redis, { entry, verdict: 'revalidate' }, true);
    } catch (error) {
      this.#context.onBackgroundError(error, 'refresh', key);
    }
  }

  /** Loads with the right to store the outcome, which any change of the key since takes away. */
  async #loadUnder<T>(
    lease: Lease,
    flight: Flight<T>,
    redis: RedisParts,
    standing: { readonly entry: StoredEntry; readonly verdict: Verdict } | undefined,
    behind = flight.refresh,
  ): Promise<T> {
    const { key, policy } = flight;
    const { shared } = redis;
    const onError = (error: unknown): void => this.#context.onBackgroundError(error, 'fill', key);
    const createdAt = shared.now();
    const watch = this.#context.watches.beginOwn(shared.redisKey(key));
    const stopKeeping = keepLease(shared, lease, policy.lease, onError);
    this.#underLease.set(key, flight as Flight);
    const loading = this.#load(flight, standing?.entry.value, behind);
    const store = (loaded: Loaded<T>): Promise<void> => {
      const fresh = freshOf(loaded, createdAt, policy, this.#context.barrier);
      if (fresh && !watch.changed) return this.#fill(lease, fresh, flight, redis, watch);
      if (fresh) this.#counts.fillsRefused++;
      // Nothing is stored, so whoever asks from now on asks anew.
      this.#flights.close(flight);
      return giveBack(this.#context, redis, lease);
    };
    // What fails here is told to nobody else; that the load failed, its callers are told.
    const storing = loading
      .then(store, () => {
        this.#flights.close(flight);
        return giveBack(this.#context, redis, lease);
      })
      .catch((error: unknown) => {
        onError(error);
        return giveBack(this.#context, redis, lease).catch(onError);
      })
      .finally(() => {
        stopKeeping();
        if (this.#underLease.get(key) === flight) this.#underLease.delete(key);
        this.#context.watches.end(watch);
      });
    flight.afterwards = storing;
    const fallback =
      standing && standing.verdict !== 'expired' && policy.staleIfError > 0 ? standing : undefined;
    try {
      const loaded = await (fallback ? orStale(loading, policy.softTimeout) : loading);
      if (loaded !== undefined) {
        this.tell(key, 'load', createdAt, 'fresh');
        return loaded.value;
      }
    } catch (error) {
      if (!fallback) throw error;
      this.#context.onBackgroundError(error, 'load', key);
    }
    this.servedStale('error', fallback?.entry.header.createdAt ?? createdAt);
    this.tell(key, 'redis', fallback?.entry.header.createdAt ?? createdAt, 'only-on-error');
    return fallback?.entry.value as T;
  }

  /** Something that is no entry is in the way: the outcome is written over it. */
  async #loadOver<T>(flight: Flight<T>, redis: RedisParts, standing: InTheWay): Promise<T> {
    const { key, policy } = flight;
    const createdAt = redis.shared.now();
    const watch = this.#context.watches.begin(redis.shared.redisKey(key));
    try {
      const loaded = await this.#load(flight, undefined, flight.refresh);
      const fresh = freshOf(loaded, createdAt, policy, this.#context.barrier);
      if (fresh && !watch.changed && !flight.outdated) {
        const write = (): Promise<Filled> => this.#writeOver(standing, key, fresh, policy, redis);
        flight.afterwards = countFill(this.#context, key, write)
          .then(() => undefined)
          .catch((error: unknown) => this.#context.onBackgroundError(error, 'fill', key));
      }
      this.tell(key, 'load', createdAt, 'fresh');
      return loaded.value;
    } finally {
      this.#context.watches.end(watch);
    }
  }

  async #writeOver(
    { claim }: InTheWay,
    key: string,
    { kept, times }: Fresh,
    { compression }: EntryPolicy,
    { shared, tags }: RedisParts,
  ): Promise<Filled> {
    const entry = await shared.encode(kept.value, kept, compression);
    if (!(await tags.prepareFill(kept.tags, kept.createdAt))) return 'refused';
    // Of what is no string nobody can tell whether it still stands.
    if (claim) return shared.fill(claim, entry, times.keepFor);
    const redisKey = shared.redisKey(key);
    const [written] = await shared.write([{ redisKey, entry, keepFor: times.keepFor, prove: false }]);
    if (written instanceof CacheError) throw written;
    return 'stands';
  }

  /** Without Redis to share it, and with a copy that lives the shorter for it. */
  async #loadAlone<T>(flight: Flight<T>): Promise<T> {
    const { key, policy } = flight;
    const { watches, gate } = this.#context;
    const redis = this.#redis;
    const stale = this.#copies.judged(key, policy);
    const run = async (): Promise<T> => {
      const createdAt = redis?.shared.now() ?? Date.now();
      const epoch = this.#context.epoch();
      // That Redis is heard again ends what was kept without it. Where it is heard already, as while a key only waits to be
      // told, nothing will: then a copy of whose changes nobody tells is not made.
      const wasUnheard = !this.#context.armed() || (redis !== undefined && this.isDoubtful(key, redis));
      const watch = watches.begin(redis?.shared.redisKey(key) ?? key);
      try {
        if (!redis) this.#counts.misses++;
        const loaded = await this.#load(flight, stale?.held.value, flight.refresh);
        const fresh = freshOf(loaded, createdAt, policy, this.#context.barrier);
        // With a new connection since, changes may have gone unheard that the copies of the new one know of.
        const isCurrent = !watch.changed && !flight.outdated && epoch === this.#context.epoch();
        if (fresh && isCurrent && !(wasUnheard && this.#context.armed())) {
          this.#copies.keep(key, fresh.kept, policy, undefined, !redis);
        }
        this.tell(key, 'load', createdAt, 'fresh');
        return loaded.value;
      } finally {
        this.#context.watches.end(watch);
      }
    };
    try {
      // A load that waits for its turn must not be waited for by those whose turn it is.
      return await (redis ? gate.run(run, () => flight.leaveRound()) : run());
    } catch (error) {
      if (!stale || policy.staleIfError === 0) throw error;
      this.#context.onBackgroundError(error, 'load', key);
      this.servedStale('error', stale.held.createdAt);
      this.tell(key, 'memory', stale.held.createdAt, stale.verdict);
      return stale.held.value as T;
    }
  }

  #load<T>(flight: Flight<T>, stale: unknown, behind: boolean): Promise<Loaded<T>> {
    const { key, loader } = flight;
    const { hardTimeout } = flight.policy;
    flight.phase = 'loading';
    // What is loaded now is newer than all that made newcomers stay away.
    this.#flights.reopen(flight);
    const { controller } = flight;
    const run = (): Promise<Loaded<T>> => runLoad(loader, { key, stale, hardTimeout, controller });
    const loading = flight.origin.runInAsyncScope(() =>
      countLoad(this.#context, key, behind, controller.signal, run),
    );
    flight.leaveRound();
    return loading;
  }

  async #fill<T>(
    lease: Lease,
    { kept, times }: Fresh,
    { key, policy }: Flight<T>,
    { shared, tags }: RedisParts,
    watch: Watch,
  ): Promise<void> {
    let size = 0;
    const store = async (): Promise<Filled> => {
      const entry = await shared.encode(kept.value, kept, policy.compression);
      size = entry.length;
      const allowed = kept.tags.length === 0 || (await tags.prepareFill(kept.tags, kept.createdAt));
      return allowed ? shared.fill(lease, entry, times.keepFor) : 'refused';
    };
    const filled = await countFill(this.#context, key, store);
    if (filled === 'stands' && this.#context.proves(watch)) this.#copies.keep(key, kept, policy, size, true);
    if (filled !== 'refused') this.#context.watches.changed(shared.redisKey(key)); // nobody tells us of our own
    if (filled === 'refused' || lease.markerKey !== shared.redisKey(key)) await shared.release(lease);
  }

  /** @param watch - begun before the read was sent. */
  keepFound(key: string, found: StoredEntry, policy: EntryPolicy, watch: Watch): void {
    if (!this.#context.proves(watch) || !this.#copies.keeps(policy)) return;
    const kept: Kept = { ...found.header, value: this.#context.barrier.in(found.value) };
    this.#copies.keep(key, kept, policy, found.bytes.length, true);
  }

  async #judgeTagged(found: StoredEntry, policy: EntryPolicy, redis: RedisParts): Promise<Verdict> {
    const { tags, createdAt } = found.header;
    if (tags.length > 0 && (await askRedis(redis.tags.resolve(tags, createdAt))) === 'stale')
      return 'expired';
    return this.#judgeAge(found, policy, redis);
  }

  #judgeAge({ header }: StoredEntry, policy: EntryPolicy, { shared }: RedisParts): Verdict {
    return shared.isCleared(header.createdAt) ? 'expired' : judge(header, policy, shared.turnNow());
  }

  /** Counts an answer past its `ttl`. */
  servedStale(reason: 'revalidate' | 'error', createdAt: number): void {
    this.#counts.servedStale(reason, this.#now() - createdAt);
  }

  /** Tells those who listen of an answer. */
  tell(key: string, layer: Layer, createdAt: number, verdict: Verdict): void {
    const { observers } = this.#context;
    if (!observers.areReadsWatched) return;
    const age = layer === 'load' ? 0 : Math.max(0, this.#now() - createdAt);
    const stale = verdict === 'revalidate' || verdict === 'only-on-error';
    observers.tellRead({ namespace: this.#counts.name, key, layer, age, stale });
  }

  #now(): number {
    return this.#redis?.shared.now() ?? Date.now();
  }
}
