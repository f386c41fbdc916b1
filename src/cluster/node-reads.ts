import { ServerError, type CacheError } from '../errors.js';
import type { Command, Reader, Receiver, Reply } from '../redis/port.js';
import { turnClock } from '../runtime/turn-clock.js';
import type { ClusterNode } from './cluster-node.js';
import type { Redirects } from './redirects.js';

/** The reads that go to one node in one turn, in columns: an object a read would cost more than the read. */
export class NodeReads implements Receiver<Reply> {
  readonly #node: ClusterNode;
  readonly #redirects: Redirects;
  /** When the turn was, by `performance.now()`. */
  readonly #began = turnClock.now();
  readonly #until: number;
  readonly #keys: string[] = [];
  readonly #readers: Reader[] = [];
  readonly #slots: number[] = [];

  /** @param timeout - milliseconds. */
  constructor(node: ClusterNode, redirects: Redirects, timeout: number) {
    this.#node = node;
    this.#redirects = redirects;
    this.#until = this.#began + timeout;
  }

  read(key: string, reader: Reader, slot: number, source: object | undefined): void {
    const place = this.#keys.length;
    this.#keys.push(key);
    this.#readers.push(reader);
    this.#slots.push(slot);
    this.#node.port.readTo(key, this, place, source);
  }

  received(reply: Reply, place: number): void {
    this.#node.served(this.#began);
    this.#give(place, reply);
  }

  failed(refusal: CacheError, place: number): void {
    const key = this.#keys[place] as string;
    const command: Command = { key, args: ['GET', key] };
    this.#redirects.follow({ command, node: this.#node, error: refusal }, this.#until).then(
      (reply) => this.#give(place, reply),
      (last: unknown) => this.#readers[place]?.failed(last as CacheError, this.#slots[place] as number),
    );
  }

  #give(place: number, reply: Reply): void {
    const reader = this.#readers[place] as Reader;
    const slot = this.#slots[place] as number;
    if (reply === null || reply instanceof Buffer) reader.received(reply, slot);
    else reader.failed(new ServerError('Redis answered a read with something else than bytes'), slot);
  }
}
