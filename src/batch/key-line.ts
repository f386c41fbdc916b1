import type { BatchCall } from './batch-call.js';

/** A write that waits or is under way, with all that share its fate. */
interface PendingWrite<O extends object> {
  /** The last write given: the one that is sent. */
  winner: BatchCall<O>;
  /** What a get behind the winner sees. */
  value: unknown;
  /** In the order given: writes the winner replaced, itself, and gets behind any of them; each with what it comes to. */
  readonly calls: Array<{ readonly call: BatchCall<O>; readonly result: unknown }>;
}

/** The next command for a key. */
export type Command<O extends object> =
  | { readonly type: 'get'; readonly calls: ReadonlyArray<BatchCall<O>> }
  | { readonly type: 'write'; readonly write: PendingWrite<O> };

/**
 * The operations on one key that have not settled, in the order given.
 *
 * One command of a key is under way at a time: a target may do other work before it sends a write (a tagged entry's asks for
 * its tags first), and reads of one turn are sent behind its writes, so to give them in order is not enough. What waits is
 * at most one read and, behind it, one write, since
 * - a write replaces the one that waits: both settle as the last one does;
 * - a get behind a write that has not settled gets what that writes as soon as it is written, and nothing is asked. Where the
 *   write fails, it is asked then.
 */
export class KeyLine<O extends object> {
  readonly key: string;
  /** Whether what waits is to go as soon as it can. */
  due = false;
  #underWay: Command<O> | undefined;
  #reads: Array<BatchCall<O>> = [];
  #write: PendingWrite<O> | undefined;

  constructor(key: string) {
    this.key = key;
  }

  get isUnderWay(): boolean {
    return this.#underWay !== undefined;
  }

  /** Whether something waits to be sent. */
  get isWaiting(): boolean {
    return this.#reads.length > 0 || this.#write !== undefined;
  }

  add(call: BatchCall<O>): void {
    const { operation } = call;
    if (operation.type === 'get') this.#addGet(call);
    else if (operation.type === 'set') this.#addWrite(call, operation.value, undefined);
    // A delete that is replaced has removed nothing.
    else this.#addWrite(call, undefined, false);
  }

  /** What is to be sent now. It is under way until it is told how that ended. */
  take(): Command<O> | undefined {
    if (this.#reads.length > 0) {
      this.#underWay = { type: 'get', calls: this.#reads };
      this.#reads = [];
    } else if (this.#write) {
      this.#underWay = { type: 'write', write: this.#write };
      this.#write = undefined;
    }
    this.due &&= this.isWaiting;
    return this.#underWay;
  }

  succeeded(reply: unknown): void {
    const command = this.#end();
    if (command?.type === 'get') {
      for (const call of command.calls) call.done(reply);
    } else if (command) {
      const { winner, calls } = command.write;
      for (const { call, result } of calls) call.done(call === winner ? reply : result);
    }
  }

  failed(error: unknown): void {
    const command = this.#end();
    if (command?.type === 'get') {
      for (const call of command.calls) call.failed(error);
    } else if (command) {
      for (const { call } of command.write.calls) {
        if (call.operation.type !== 'get') call.failed(error);
        else {
          this.#reads.push(call);
          this.due = true;
        }
      }
    }
  }

  #addGet(call: BatchCall<O>): void {
    const sent = this.#underWay?.type === 'write' ? this.#underWay.write : undefined;
    const write = this.#write ?? sent;
    if (write) write.calls.push({ call, result: write.value });
    else this.#reads.push(call);
  }

  #addWrite(call: BatchCall<O>, value: unknown, result: unknown): void {
    this.#write ??= { winner: call, value, calls: [] };
    this.#write.winner = call;
    this.#write.value = value;
    this.#write.calls.push({ call, result });
  }

  #end(): Command<O> | undefined {
    const command = this.#underWay;
    this.#underWay = undefined;
    return command;
  }
}
