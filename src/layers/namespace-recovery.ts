import { clearNamespace } from '../client/clear-namespace.js';
import type { RedisPort } from '../redis/port.js';
import type { RecoveryLog } from '../resilience/recovery-log.js';
import type { Recoverable, Recovery } from '../resilience/recovery.js';
import type { TagTable } from './tag-table.js';

/** The invalidations of one namespace that could not reach Redis: of keys, and of tags. */
export class NamespaceRecovery implements Recoverable {
  readonly #log: RecoveryLog;
  readonly #tags: TagTable;
  readonly #prefix: string;
  readonly #recovery: Recovery;
  #heldTags: string[] = [];

  constructor(log: RecoveryLog, tags: TagTable, prefix: string, recovery: Recovery) {
    this.#log = log;
    this.#tags = tags;
    this.#prefix = prefix;
    this.#recovery = recovery;
    recovery.add(this);
  }

  /** What Redis holds under the key is not to be believed until it was told. */
  add(redisKey: string): void {
    this.#log.add(redisKey);
    this.#recovery.start();
  }

  /** No entry with one of these tags is valid here until Redis was told. */
  addTags(tags: readonly string[]): void {
    for (const tag of tags) this.#tags.hold(tag);
    this.#heldTags.push(...tags);
    this.#recovery.start();
  }

  isPending(redisKey: string): boolean {
    return this.#log.isPending(redisKey);
  }

  get pending(): boolean {
    return !this.#log.empty || this.#heldTags.length > 0;
  }

  async replay(port: RedisPort): Promise<boolean> {
    const held = this.#heldTags;
    if (held.length > 0) {
      await this.#tags.invalidate([...new Set(held)]);
      for (const tag of held) this.#tags.release(tag);
      this.#heldTags = this.#heldTags.slice(held.length);
      // Invalidated once more meanwhile: that one was not told yet.
      for (const tag of this.#heldTags) this.#tags.hold(tag);
    }
    await this.#log.replay(port, () => clearNamespace(port, this.#prefix));
    return !this.pending;
  }
}
