import type { SharedBlobs } from '../blobs/shared-blobs.js';
import { Dictionary } from './dictionary.js';
import type { DictionaryRegistry } from './dictionary-registry.js';

/** The dictionaries of one namespace, by the kind of values they are for. */
export class Dictionaries {
  readonly #blobs: SharedBlobs;
  readonly #registry: DictionaryRegistry;
  readonly #now: (() => number) | undefined;
  readonly #byKind = new Map<string, Dictionary>();

  /** @param now - milliseconds of a clock that only goes forward; default that of the turn. */
  constructor(blobs: SharedBlobs, registry: DictionaryRegistry, now?: () => number) {
    this.#blobs = blobs;
    this.#registry = registry;
    this.#now = now;
  }

  of(kind: string): Dictionary {
    let dictionary = this.#byKind.get(kind);
    if (!dictionary) {
      dictionary = new Dictionary(kind, this.#blobs, this.#registry, this.#now);
      this.#byKind.set(kind, dictionary);
    }
    return dictionary;
  }
}
