import { CacheError } from '../../errors.js';
import type { TagAnswer, TagRecord } from './tag-record.js';

/** A read under way. What it brings is remembered only if nobody has been told meanwhile that the record changed. */
export interface TagRead {
  readonly voided: boolean;
}

/**
 * What this process knows of tag records without asking, at most `limit` of them.
 *
 * Two generations: the younger takes what is new and what is used, and when it is full it becomes the older one and the
 * older one is dropped whole. That keeps the tags in use, and costs no bookkeeping on a read but for the first in a
 * generation.
 */
export class TagMemory {
  readonly #generationSize: number;
  #young = new Map<string, TagRecord>();
  #old = new Map<string, TagRecord>();
  readonly #reads = new Map<string, { voided: boolean; readers: number }>();

  /** @param limit - how many records; 0 to remember none. */
  constructor(limit: number) {
    this.#generationSize = Math.ceil(limit / 2);
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(tag: string): TagRecord | undefined {
    const young = this.#young.get(tag);
    if (young !== undefined || this.#old.size === 0) return young;
    const old = this.#old.get(tag);
    if (old !== undefined) {
      this.#old.delete(tag);
      this.#keep(tag, old);
    }
    return old;
  }

  /** To be called before the read is sent; every one ends with {@link endRead}. */
  beginRead(tag: string): TagRead {
    const underWay = this.#reads.get(tag);
    if (underWay) {
      underWay.readers++;
      return underWay;
    }
    const read = { voided: false, readers: 1 };
    this.#reads.set(tag, read);
    return read;
  }

  /** @param answer - what was read; undefined where that is unknown. */
  endRead(tag: string, read: TagRead, answer: TagAnswer): void {
    if (read.voided) return;
    const underWay = this.#reads.get(tag);
    if (underWay === read && --underWay.readers === 0) this.#reads.delete(tag);
    if (answer === undefined || answer instanceof CacheError || this.#generationSize === 0) return;
    this.#keep(tag, answer);
  }

  /** The record changed, or may have. */
  drop(tag: string): void {
    this.#young.delete(tag);
    this.#old.delete(tag);
    const read = this.#reads.get(tag);
    if (!read) return;
    read.voided = true;
    this.#reads.delete(tag);
  }

  /** Every record may have changed, or every one that is concerned. */
  clear(concerned?: (tag: string) => boolean): void {
    if (concerned) {
      for (const tag of [...this.#young.keys(), ...this.#old.keys(), ...this.#reads.keys()]) {
        if (concerned(tag)) this.drop(tag);
      }
      return;
    }
    this.#young = new Map();
    this.#old = new Map();
    for (const read of this.#reads.values()) read.voided = true;
    this.#reads.clear();
  }

  #keep(tag: string, record: TagRecord): void {
    this.#young.set(tag, record);
    if (this.#young.size < this.#generationSize) return;
    this.#old = this.#young;
    this.#young = new Map();
  }
}
