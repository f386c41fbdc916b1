import type { BatchCall } from './batch-call.js';

/** A call with what it comes to if the write that it goes with succeeds. */
interface Follower<O extends object> {
  readonly call: BatchCall<O>;
  readonly result: unknown;
}

interface PendingRead<O extends object> {
  readonly type: 'read';
  readonly calls: Array<BatchCall<O>>;
}

interface PendingWrite<O extends object> {
  readonly type: 'write';
  /** The last write given: the one that is sent. */
  winner: BatchCall<O>;
  /** What the others come to: writes that it replaced, and gets behind any of them. Usually there are none. */
  followers: Array<Follower<O>> | undefined;
}

/** What is sent for a key at once. */
export type Command<O extends object> = PendingRead<O> | PendingWrite<O>;

/** Where a line stands: nothing waits in it, or it gathers until the next flush, or it is due. */
export type Place = 'nowhere' | 'gathering' | 'due';

/**
 * The operations on one key that have not settled, in the order given.
 *
 * One command of a key is under way at a time: a target may do other work before it sends a write (a tagged entry's asks for
 * its tags first), and reads of one turn are sent behind its writes, so to give them in order is not enough. What waits is
 * at most one read and, behind it, one write, since
 * - a write replaces the one that waits: both settle as the last one does;
 * - a get behind a write that has not settled gets what that writes as soon as it is written, and nothing is asked. Where the
 *   write fails, it is asked then, and finds what stands there by now.
 */
export class KeyLine<O extends object> {
  readonly key: string;
  /** Kept by the queue. */
  place: Place = 'nowhere';
  #underWay: Command<O> | undefined;
  #read: PendingRead<O> | undefined;
  #write: PendingWrite<O> | undefined;

  constructor(key: string) {
    this.key = key;
  }

  get isUnderWay(): boolean {
    return this.#underWay !== undefined;
  }

  /** Whether something waits to be sent. */
  get isWaiting(): boolean {
    return this.#read !== undefined || this.#write !== undefined;
  }

  add(call: BatchCall<O>): void {
    if (call.operation.type !== 'get') {
      this.#addWrite(call);
      return;
    }
    const write = this.#write ?? (this.#underWay?.type === 'write' ? this.#underWay : undefined);
    if (write) follow(write, { call, result: seenBehind(write.winner) });
    else this.#addRead(call);
  }

  /** What is to be sent now. It is under way until it is told how that ended. */
  take(): Command<O> | undefined {
    if (this.#read) {
      this.#underWay = this.#read;
      this.#read = undefined;
    } else {
      this.#underWay = this.#write;
      this.#write = undefined;
    }
    return this.#underWay;
  }

  /**
   * Nothing is under way any more.
   *
   * @param failed - whether gets behind it must be asked after all; they then wait here.
   */
  end(failed: boolean): void {
    const command = this.#underWay;
    this.#underWay = undefined;
    if (!failed || command?.type !== 'write') return;
    for (const { call } of command.followers ?? []) if (call.operation.type === 'get') this.#addRead(call);
  }

  #addRead(call: BatchCall<O>): void {
    if (this.#read) this.#read.calls.push(call);
    else this.#read = { type: 'read', calls: [call] };
  }

  #addWrite(call: BatchCall<O>): void {
    const write = this.#write;
    if (!write) {
      this.#write = { type: 'write', winner: call, followers: undefined };
      return;
    }
    // A delete that is replaced has removed nothing.
    const result = write.winner.operation.type === 'delete' ? false : undefined;
    follow(write, { call: write.winner, result });
    write.winner = call;
  }
}

/** Tells all who wait for the command how it ended. */
export function tellDone<O extends object>(command: Command<O>, reply: unknown): void {
  if (command.type === 'read') {
    for (const call of command.calls) call.done(reply);
    return;
  }
  for (const { call, result } of command.followers ?? []) call.done(result);
  command.winner.done(reply);
}

/** The same for one that failed; gets behind a write wait on. */
export function tellFailed<O extends object>(command: Command<O>, error: unknown): void {
  if (command.type === 'read') {
    for (const call of command.calls) call.failed(error);
    return;
  }
  for (const { call } of command.followers ?? []) if (call.operation.type !== 'get') call.failed(error);
  command.winner.failed(error);
}

function follow<O extends object>(write: PendingWrite<O>, follower: Follower<O>): void {
  if (write.followers) write.followers.push(follower);
  else write.followers = [follower];
}

/** What a get finds behind a write that succeeds. */
function seenBehind<O extends object>({ operation }: BatchCall<O>): unknown {
  return operation.type === 'set' ? operation.value : undefined;
}
