import { runInBackground } from '../../runtime/background.js';
import { turnClock } from '../../runtime/turn-clock.js';
import type { Offer, SharedBlobs } from '../blobs/shared-blobs.js';
import type { Compressor } from '../compression/compressor.js';
import type { DictionaryRegistry } from './dictionary-registry.js';
import { trainDictionary } from './train.js';

/** A dictionary is made of so many values, */
const SAMPLES = 200;
/** or of fewer that have so many bytes together. */
const SAMPLE_BYTES = 128 * 1024;
/** Of every so many samples one is put aside, to see what the dictionary does for a value it was not made of. */
const ASIDE = 5;
const DICTIONARY_BYTES = 4096;
/** What the values take with it, of what they take without. More, and it is not worth having. */
const WORTH_HAVING = 0.9;
/** Where the values came to need so much more than they did at first, another is made. */
const OUTDATED = 1.25;
/** Weight of the newest value in the running mean of what values need. */
const LEARNING = 0.01;
/** Values after which the running mean says something. */
const SETTLED = 500;
/** How often, in milliseconds, it is looked whether others have made another one. */
const LOOK_EVERY = 10 * 60 * 1000;

/**
 * The dictionary of one kind of values, as this process knows it.
 *
 * Nothing waits for it. It asks in the background which dictionary there is; while there is none, it puts payloads aside as
 * they are written, and when there are enough, one process of all makes a dictionary of them: some milliseconds, once. A
 * dictionary is a blob (see `SharedBlobs`), so that entries written with an earlier one stay readable for as long as they live.
 */
export class Dictionary {
  readonly #kind: string;
  readonly #blobs: SharedBlobs;
  readonly #registry: DictionaryRegistry;
  readonly #now: () => number;
  #inUse: Offer | undefined;
  #samples: Buffer[] | undefined = [];
  #sampleBytes = 0;
  #compressor: Compressor | undefined;
  #busy = false;
  #lookAt = -Infinity;
  #written = 0;
  #needed = 0;
  #neededAtFirst = 0;

  constructor(
    kind: string,
    blobs: SharedBlobs,
    registry: DictionaryRegistry,
    now: () => number = () => turnClock.now(),
  ) {
    this.#kind = kind;
    this.#blobs = blobs;
    this.#registry = registry;
    this.#now = now;
  }

  /** What to write an entry with that lives this long; undefined where there is nothing yet. */
  forEntry(life: number): Offer['blob'] | undefined {
    if (this.#now() >= this.#lookAt) this.#look();
    return this.#inUse && this.#blobs.stands(this.#inUse, life) ? this.#inUse.blob : undefined;
  }

  /** To be told of every payload that is written, with what it came to; it may be a view into a reused buffer. */
  wrote(payload: Uint8Array, came: number, compressor: Compressor): void {
    if (!this.#samples) return this.#watch(came / payload.length);
    if (this.#hasEnough(this.#samples)) return;
    this.#samples.push(Buffer.from(payload));
    this.#sampleBytes += payload.length;
    this.#compressor = compressor;
    this.#makeOfEnough();
  }

  #makeOfEnough(): void {
    const samples = this.#samples;
    const compressor = this.#compressor;
    if (this.#busy || !samples || !compressor || !this.#hasEnough(samples)) return;
    this.#inBackground(() => this.#make(samples, compressor));
  }

  #hasEnough(samples: readonly Buffer[]): boolean {
    return samples.length >= SAMPLES || (this.#sampleBytes >= SAMPLE_BYTES && samples.length >= 2 * ASIDE);
  }

  /** Whether the values are still those that the dictionary was made for. */
  #watch(needed: number): void {
    this.#written++;
    this.#needed += Math.max(LEARNING, 1 / this.#written) * (needed - this.#needed);
    if (this.#written === SETTLED) this.#neededAtFirst = this.#needed;
    if (this.#written > SETTLED && this.#needed > this.#neededAtFirst * OUTDATED) this.#begin();
  }

  #look(): void {
    this.#lookAt = this.#now() + LOOK_EVERY;
    if (!this.#busy) this.#inBackground(() => this.#adopt());
  }

  /** Takes over what others have made. */
  async #adopt(): Promise<boolean> {
    const name = await this.#registry.current(this.#kind);
    if (name === undefined || name === this.#inUse?.blob.name) return false;
    const bytes = await this.#blobs.fetch(Buffer.from(name, 'hex'), 0);
    const offer = bytes && this.#blobs.offer(bytes.bytes);
    if (!offer) return false;
    this.#use(offer);
    return true;
  }

  async #make(samples: readonly Buffer[], compressor: Compressor): Promise<void> {
    this.#begin();
    if (await this.#adopt()) return;
    if (!(await this.#registry.claim(this.#kind))) {
      this.#lookAt = this.#now() + LOOK_EVERY / 100; // whoever makes one has it soon
      return;
    }
    const tests = samples.filter((_, i) => i % ASIDE === 0);
    const dictionary = trainDictionary(
      samples.filter((_, i) => i % ASIDE !== 0),
      DICTIONARY_BYTES,
    );
    const before = total(tests, compressor, this.#inUse?.blob.bytes);
    if (dictionary.length === 0 || total(tests, compressor, dictionary) > before * WORTH_HAVING) return;
    const offer = this.#blobs.offer(dictionary);
    if (!offer || !this.#blobs.stands(offer, 0)) return;
    await this.#registry.publish(this.#kind, offer.blob.name);
    this.#use(offer);
  }

  #use(offer: Offer): void {
    this.#inUse = offer;
    this.#samples = undefined;
    this.#written = 0;
    this.#needed = 0;
  }

  /** From here on samples are collected. */
  #begin(): void {
    this.#samples = [];
    this.#sampleBytes = 0;
  }

  /** One thing at a time. What fails is tried again with the next look, or the next samples. */
  #inBackground(work: () => Promise<unknown>): void {
    this.#busy = true;
    const attempt = async (): Promise<void> => {
      try {
        await work();
      } finally {
        this.#busy = false;
      }
      this.#makeOfEnough();
    };
    runInBackground(attempt, () => undefined);
  }
}

/** What the payloads take by themselves and by this dictionary. */
function total(payloads: readonly Buffer[], compressor: Compressor, dictionary: Buffer | undefined): number {
  let bytes = 0;
  for (const payload of payloads) {
    bytes += Math.min(payload.length, compressor.compress(payload, undefined, dictionary).length);
  }
  return bytes;
}
