/** Milliseconds that a message may be late for, behind one with a higher number. */
const PATIENCE = 200;
/** Every start of a process is another publisher; the oldest may be forgotten, which costs copies if it speaks again. */
const MOST_PUBLISHERS = 10_000;

/** One publisher as it is known here. */
interface Known {
  /** All changes up to this number were heard. */
  complete: number;
  /** The highest number that was heard of. */
  newest: number;
  /** Numbers above `complete` that were heard. */
  readonly ahead: Set<number>;
  waiting: NodeJS.Timeout | undefined;
}

/**
 * Whether every change that was published was heard. Publishers number their changes, so a message that was lost shows in the
 * next one, and every publisher tells its latest number a second after its last change at the latest.
 *
 * Messages of one publisher need not come in order: it may write over several connections, or to several nodes of a Cluster,
 * and a script that the server did not know is sent a second time. A number that is missing is therefore waited for, and only
 * if it does not come is what came before unproven. A publisher that is first heard of in the middle is one whose earlier
 * numbers are missing: where it tells its latest, as it does when asked, nothing is waited for. A number that comes a second
 * time is of one that began anew.
 */
export class PublisherLog {
  readonly #onUnproven: (publisher: string) => void;
  readonly #known = new Map<string, Known>();

  /** @param onUnproven - changes may have gone unheard. */
  constructor(onUnproven: (publisher: string) => void) {
    this.#onUnproven = onUnproven;
  }

  /** A change with this number was told. */
  change(publisher: string, n: number): void {
    const known = this.#of(publisher);
    if (n <= known.complete || known.ahead.has(n)) {
      known.complete = known.newest = n;
      known.ahead.clear();
      this.#look(publisher, known);
      this.#onUnproven(publisher);
      return;
    }
    known.ahead.add(n);
    while (known.ahead.delete(known.complete + 1)) known.complete++;
    known.newest = Math.max(known.newest, n);
    this.#look(publisher, known);
  }

  /** The publisher's latest change has this number. */
  soFar(publisher: string, n: number): void {
    const isNew = !this.#known.has(publisher);
    const known = this.#of(publisher);
    if (isNew && n > 0) {
      known.complete = known.newest = n;
      return this.#onUnproven(publisher);
    }
    known.newest = Math.max(known.newest, n);
    this.#look(publisher, known);
  }

  /** There is a new subscription: what was heard on the last one says nothing about it. */
  forget(): void {
    for (const { waiting } of this.#known.values()) clearTimeout(waiting);
    this.#known.clear();
  }

  #of(publisher: string): Known {
    let known = this.#known.get(publisher);
    if (known) return known;
    for (const [oldest, { waiting }] of this.#known) {
      if (this.#known.size < MOST_PUBLISHERS) break;
      clearTimeout(waiting);
      this.#known.delete(oldest);
    }
    known = { complete: 0, newest: 0, ahead: new Set(), waiting: undefined };
    this.#known.set(publisher, known);
    return known;
  }

  #look(publisher: string, known: Known): void {
    if (known.complete >= known.newest) {
      clearTimeout(known.waiting);
      known.waiting = undefined;
    } else {
      known.waiting ??= this.#await(publisher, known);
    }
  }

  #await(publisher: string, known: Known): NodeJS.Timeout {
    const until = known.newest;
    // The sockets are read once more before anything is called late.
    return setTimeout(() => setImmediate(() => this.#overdue(publisher, known, until)), PATIENCE).unref();
  }

  #overdue(publisher: string, known: Known, until: number): void {
    if (this.#known.get(publisher) !== known || known.waiting === undefined) return;
    known.waiting = undefined;
    if (known.complete < until) {
      known.complete = Math.max(until, known.complete);
      for (const n of known.ahead) if (n <= until) known.ahead.delete(n);
      while (known.ahead.delete(known.complete + 1)) known.complete++;
      this.#onUnproven(publisher);
    }
    this.#look(publisher, known);
  }
}
