import type { Watch } from '../coherence/watches.js';
import { CacheError } from '../errors.js';
import { delay } from '../runtime/delay.js';
import { turnClock } from '../runtime/turn-clock.js';
import type { Copies } from './copies.js';
import type { EntryPolicy } from './entry-policy.js';
import { isServed, judge, lifetimes, type Lifetimes, type Verdict } from './freshness.js';
import type { Layer, LayerContext, RedisParts } from './layer-context.js';
import { keepLease } from './lease-keeper.js';
import { orStale } from './or-stale.js';
import { longerPause, NOT_TOLD, TOLD } from './lease-polling.js';
import { runLoad, type Loaded } from './load.js';
import type { Kept } from './memory-tier.js';
import { askRedis, RedisAway } from './redis-away.js';
import type { Found, InTheWay, Lease, StoredEntry } from './shared-tier.js';
import type { FirstReads, Flight, SingleFlight } from './single-flight.js';

/** A value just loaded, ready to be stored. */
interface Fresh {
  readonly kept: Kept;
  readonly times: Lifetimes;
}

/**
 * How a flight comes to its answer: through Redis, waiting for the load of whoever has the lease or loading under its own; or,
 * where Redis fails, by a load alone.
 */
export class Loading implements FirstReads {
  readonly #context: LayerContext;
  readonly #redis: RedisParts | undefined;
  readonly #copies: Copies;
  readonly #flights: SingleFlight;

  constructor(context: LayerContext, redis: RedisParts | undefined, copies: Copies, flights: SingleFlight) {
    this.#context = context;
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
    redis.shared.readTo(redisKey, flight, 0, true);
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
    if (this.#judgeAge(found, policy, redis) !== 'fresh') return false;
    this.#context.metrics.recordRead('hit', turnClock.now() - flight.began);
    if (watch) this.keepFound(key, found, policy, watch);
    if (this.#context.onRead) this.#tell(key, 'redis', found.header.createdAt, 'fresh');
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
        let verdict: Verdict = 'expired';
        if (found.kind === 'value') {
          verdict = await this.judge(found, policy, redis);
        }
        if (found.kind === 'value' && (verdict === 'fresh' || (!flight.refresh && isServed(verdict)))) {
          if (!missed) this.#context.metrics.recordRead('hit', turnClock.now() - began);
          this.keepFound(key, found, policy, watch);
          if (verdict === 'revalidate') this.#context.metrics.increment('staleServes');
          if (verdict !== 'fresh') flight.afterwards = this.#refresh(flight, found, redis);
          this.#tell(key, 'redis', found.header.createdAt, verdict);
          return found.value as T;
        }
        if (!missed) this.#context.metrics.recordRead('miss', turnClock.now() - began);
        missed = true;

        if (found.kind === 'unreadable') return await this.#loadOver(flight, redis, found);
        if (found.kind === 'value' && verdict === 'expired') {
          const lease = await this.#takeOver(key, found, policy.lease, redis);
          if (lease) return await this.#loadUnder(lease, flight, redis, { entry: found, verdict });
          // Somebody was faster, which is told as any change.
          await this.#awaitChange(watch.change, poll, flight as Flight);
          deadline = shared.deadline();
        } else if (found.kind === 'value') {
          const lease = await askRedis(shared.leaseRefresh(key, found, policy.lease));
          if (lease) return await this.#loadUnder(lease, flight, redis, { entry: found, verdict });
          if (flight.refresh && isServed(verdict)) return found.value as T;
          await this.#awaitRefresh(key, watch, poll, flight as Flight, redis);
          deadline = shared.deadline();
        } else if (found.kind === 'lease') {
          await this.#awaitChange(watch.change, poll, flight as Flight);
          deadline = shared.deadline();
        } else {
          const lease = await this.#takeLease(key, policy.lease, deadline, redis);
          if (lease.kind === 'held') return await this.#loadUnder(lease, flight, redis, undefined);
          // Somebody was faster. The next read says what they did, and has us told of what they do next; unless they
          // left nothing to be read.
          if (lease.kind !== 'loading') continue;
          await this.#awaitRefresh(key, watch, poll, flight as Flight, redis);
          deadline = shared.deadline();
        }
      } catch (error) {
        if (!(error instanceof RedisAway)) throw error;
        this.#context.onBackgroundError(error.cause, 'read', key);
        return await this.#loadAlone(flight);
      } finally {
        this.#context.watches.end(watch);
      }
    }
  }

  async #takeLease(
    key: string,
    duration: number,
    deadline: number,
    redis: RedisParts,
  ): Promise<Lease | Found> {
    try {
      return await redis.shared.lease(key, duration, deadline);
    } catch (error) {
      if (error instanceof RedisAway) this.#doubtLease(key, error, redis);
      throw error;
    }
  }

  async #takeOver(
    key: string,
    entry: StoredEntry,
    duration: number,
    redis: RedisParts,
  ): Promise<Lease | undefined> {
    try {
      return await askRedis(redis.shared.leaseOver(key, entry, duration));
    } catch (error) {
      if (error instanceof RedisAway) this.#doubtLease(key, error, redis);
      throw error;
    }
  }

  /** It may be taken, or be taken yet by a server that goes on later, and nobody would load under it. */
  #doubtLease(key: string, { cause }: RedisAway, { shared, recovery }: RedisParts): void {
    if (cause.outcome === 'unknown') recovery.add(shared.redisKey(key));
  }

  /** Somebody else loads. */
  async #awaitChange(change: Promise<void>, poll: number, flight: Flight): Promise<void> {
    flight.phase = 'waiting';
    flight.leaveRound();
    this.#context.metrics.increment('leaseWaits');
    // Spread out, so that many waiters that are not told do not ask all at once.
    const pause = delay(poll * (0.5 + Math.random()));
    await Promise.race([change, pause.passed]);
    pause.cancel();
  }

  /** Somebody else refreshes: the end of that shows in the value, or, where it failed, in the lease beside it. */
  async #awaitRefresh(
    key: string,
    watch: Watch,
    poll: number,
    flight: Flight,
    { shared }: RedisParts,
  ): Promise<void> {
    const ending = this.#context.watches.begin(shared.refreshKey(key));
    try {
      if (!(await askRedis(shared.isRefreshed(key)))) return;
      await this.#awaitChange(Promise.race([watch.change, ending.change]), poll, flight);
    } finally {
      this.#context.watches.end(ending);
    }
  }

  async #refresh<T>(flight: Flight<T>, entry: StoredEntry, redis: RedisParts): Promise<void> {
    const { key, policy } = flight;
    try {
      const lease = await redis.shared.leaseRefresh(key, entry, policy.lease);
      if (!lease) return;
      await this.#loadUnder(lease, flight, redis, { entry, verdict: 'revalidate' });
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
  ): Promise<T> {
    const { key, policy } = flight;
    const { shared } = redis;
    const onError = (error: unknown): void => this.#context.onBackgroundError(error, 'fill', key);
    const createdAt = shared.now();
    const watch = this.#context.watches.beginOwn(shared.redisKey(key));
    const stopKeeping = keepLease(shared, lease, policy.lease, onError);
    const loading = this.#load(flight, standing?.entry.value);
    const store = (loaded: Loaded<T>): Promise<void> => {
      const fresh = this.#prepare(loaded, createdAt, policy);
      if (fresh && !watch.changed) return this.#fill(lease, fresh, flight, redis, watch);
      // Nothing is stored, so whoever asks from now on asks anew.
      this.#flights.close(flight);
      return this.#release(lease, redis);
    };
    // What fails here is told to nobody else; that the load failed, its callers are told.
    const storing = loading
      .then(store, () => {
        this.#flights.close(flight);
        return this.#release(lease, redis);
      })
      .catch((error: unknown) => {
        onError(error);
        return this.#release(lease, redis).catch(onError);
      })
      .finally(() => {
        stopKeeping();
        this.#context.watches.end(watch);
      });
    flight.afterwards = storing;
    const fallback =
      standing && standing.verdict !== 'expired' && policy.staleIfError > 0 ? standing : undefined;
    try {
      const loaded = await (fallback ? orStale(loading, policy.softTimeout) : loading);
      if (loaded !== undefined) {
        this.#tell(key, 'load', createdAt, 'fresh');
        return loaded.value;
      }
    } catch (error) {
      if (!fallback) throw error;
      this.#context.onBackgroundError(error, 'load', key);
    }
    this.#context.metrics.increment('staleServes');
    this.#tell(key, 'redis', fallback?.entry.header.createdAt ?? createdAt, 'only-on-error');
    return fallback?.entry.value as T;
  }

  /** Something that is no entry is in the way: the outcome is written over it. */
  async #loadOver<T>(flight: Flight<T>, redis: RedisParts, standing: InTheWay): Promise<T> {
    const { key, policy } = flight;
    const createdAt = redis.shared.now();
    const watch = this.#context.watches.begin(redis.shared.redisKey(key));
    try {
      const loaded = await this.#load(flight, undefined);
      const fresh = this.#prepare(loaded, createdAt, policy);
      if (fresh && !watch.changed && !flight.outdated) {
        flight.afterwards = this.#writeOver(standing, key, fresh, policy, redis).catch((error: unknown) =>
          this.#context.onBackgroundError(error, 'fill', key),
        );
      }
      this.#tell(key, 'load', createdAt, 'fresh');
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
  ): Promise<void> {
    const entry = await shared.encode(kept.value, kept, compression);
    if (!(await tags.prepareFill(kept.tags, kept.createdAt))) return;
    // Of what is no string nobody can tell whether it still stands.
    if (claim) return void (await shared.fill(claim, entry, times.keepFor));
    const redisKey = shared.redisKey(key);
    const [written] = await shared.write([{ redisKey, entry, keepFor: times.keepFor, prove: false }]);
    if (written instanceof CacheError) throw written;
  }

  /** Without Redis to share it, and with a copy that lives the shorter for it. */
  async #loadAlone<T>(flight: Flight<T>): Promise<T> {
    const { key, policy } = flight;
    const { watches, gate, metrics } = this.#context;
    const redis = this.#redis;
    const stale = this.#copies.judged(key, policy);
    const run = async (): Promise<T> => {
      const createdAt = redis?.shared.now() ?? Date.now();
      const epoch = this.#context.epoch();
      const watch = watches.begin(redis?.shared.redisKey(key) ?? key);
      try {
        if (!redis) metrics.increment('misses');
        const loaded = await this.#load(flight, stale?.held.value);
        const fresh = this.#prepare(loaded, createdAt, policy);
        // With a new connection since, changes may have gone unheard that the copies of the new one know of.
        if (fresh && !watch.changed && !flight.outdated && epoch === this.#context.epoch()) {
          this.#copies.keep(key, fresh.kept, policy, undefined, !redis);
        }
        this.#tell(key, 'load', createdAt, 'fresh');
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
      metrics.increment('staleServes');
      this.#tell(key, 'memory', stale.held.createdAt, stale.verdict);
      return stale.held.value as T;
    }
  }

  #load<T>(flight: Flight<T>, stale: unknown): Promise<Loaded<T>> {
    const { key, loader } = flight;
    const { hardTimeout } = flight.policy;
    flight.phase = 'loading';
    // What is loaded now is newer than all that made newcomers stay away.
    this.#flights.reopen(flight);
    this.#context.metrics.increment('loads');
    const loading = runLoad(loader, { key, stale, hardTimeout, controller: flight.controller });
    flight.leaveRound();
    return loading;
  }

  /** What is to be stored of a load; undefined for what is not. From here on the value is shared. */
  #prepare<T>(loaded: Loaded<T>, createdAt: number, policy: EntryPolicy): Fresh | undefined {
    const { value, cost, skipped } = loaded;
    if (value === undefined || skipped) return undefined;
    const ttl = loaded.ttl ?? (value === null ? policy.negativeTtl : undefined) ?? policy.ttl;
    const times = lifetimes({ ...policy, ttl });
    const tags = loaded.tags.length === 0 ? policy.tags : [...new Set([...policy.tags, ...loaded.tags])];
    const kept = { value: this.#context.barrier.in(value), createdAt, cost, tags, ...times };
    return { kept, times };
  }

  async #fill<T>(
    lease: Lease,
    { kept, times }: Fresh,
    { key, policy }: Flight<T>,
    { shared, tags }: RedisParts,
    watch: Watch,
  ): Promise<void> {
    const entry = await shared.encode(kept.value, kept, policy.compression);
    const allowed = kept.tags.length === 0 || (await tags.prepareFill(kept.tags, kept.createdAt));
    const filled = allowed && (await shared.fill(lease, entry, times.keepFor));
    if (filled && this.#context.proves(watch)) this.#copies.keep(key, kept, policy, entry.length, true);
    if (filled) this.#context.watches.changed(shared.redisKey(key)); // the server does not tell us of our own
    if (!filled || lease.markerKey !== shared.redisKey(key)) await shared.release(lease);
  }

  async #release(lease: Lease, { shared, recovery }: RedisParts): Promise<void> {
    try {
      await shared.release(lease);
    } catch (error) {
      // Nobody loads under it any more, and the others must not wait for it to run out.
      recovery.add(lease.markerKey);
      throw error;
    }
    // The server does not tell us of what we did ourselves.
    this.#context.watches.changed(lease.markerKey);
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

  #tell(key: string, layer: Layer, createdAt: number, verdict: Verdict): void {
    const { onRead } = this.#context;
    if (!onRead) return;
    const now = this.#redis?.shared.now() ?? Date.now();
    const age = layer === 'load' ? 0 : Math.max(0, now - createdAt);
    onRead({ key, layer, age, stale: verdict === 'revalidate' || verdict === 'only-on-error' });
  }
}
