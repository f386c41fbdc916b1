import { InvalidOptionError } from '../errors.js';
import { describeValue } from '../validate.js';
import { reads, type ReadEvent } from './channels.js';

/** What is done within a trace. */
export interface TracedWork {
  /** `load` is the application's loader; the others are what is asked of Redis for one key, or for tags. */
  readonly operation: 'load' | 'get' | 'lease' | 'fill' | 'set' | 'delete' | 'invalidateTags';
  readonly namespace: string;
  /** As the caller gave it; missing for tags. It may name a person. */
  readonly key: string | undefined;
}

/** Follows what a cache does for those who wait for it. `tiercel/otel` makes one that makes spans. It must not throw. */
export interface CacheTracer {
  /** Runs the work, such that what it calls in turn is seen as part of it. The answer is the work's. */
  run<T>(work: TracedWork, run: () => Promise<T>): Promise<T>;
  /**
   * Work begins here whose end is told by calling what is returned: with how it ended, such as `hit` and `miss`, or the error.
   */
  begin(work: TracedWork): (outcome: string, error?: unknown) => void;
}

/** Who is told of what happens in a cache. Nothing is made for those who are not there. */
export class Observers {
  #tracer: CacheTracer | undefined;
  readonly #readListeners = new Set<(event: ReadEvent) => void>();
  /** Whether there are any: asked at every hit in memory. */
  #some = false;

  /** Whether anybody is to be told of reads. */
  get areReadsWatched(): boolean {
    return this.#some || reads.hasSubscribers;
  }

  get tracer(): CacheTracer | undefined {
    return this.#tracer;
  }

  trace(tracer: CacheTracer): () => void {
    if (typeof tracer?.run !== 'function' || typeof tracer.begin !== 'function') {
      throw new InvalidOptionError(
        `trace: expected a tracer with run and begin, got ${describeValue(tracer)}`,
      );
    }
    if (this.#tracer) throw new InvalidOptionError('trace: this cache has a tracer already');
    this.#tracer = tracer;
    return () => {
      if (this.#tracer === tracer) this.#tracer = undefined;
    };
  }

  onRead(listener: (event: ReadEvent) => void): () => void {
    this.#readListeners.add(listener);
    this.#some = true;
    return () => {
      this.#readListeners.delete(listener);
      this.#some = this.#readListeners.size > 0;
    };
  }

  tellRead(event: ReadEvent): void {
    for (const listener of this.#readListeners) listener(event);
    if (reads.hasSubscribers) reads.publish(event);
  }

  run<T>(work: TracedWork, run: () => Promise<T>): Promise<T> {
    return this.#tracer ? this.#tracer.run(work, run) : run();
  }
}
