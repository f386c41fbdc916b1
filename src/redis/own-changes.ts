import type { CommandArgument, Reply } from './port.js';
import { isOk } from './reply-text.js';

/** Keys that a command changes, if its reply says that it did. */
export interface OwnChange {
  readonly keys: readonly CommandArgument[];
  readonly isMade: (reply: Reply) => boolean;
}

/**
 * What a command of ours may change of what this connection has read. Undefined for all that only read; of what is not known
 * here the news are taken for somebody else's, which costs a copy and never keeps an old one.
 *
 * A script is about its first key, answers 1 where it changed that and something else where it did not, and never reads it
 * behind its own write.
 */
export function ownChange(args: readonly CommandArgument[]): OwnChange | undefined {
  switch (args[0]) {
    case 'SET':
      // With NX and GET it answers with what stood in its way.
      return { keys: args.slice(1, 2), isMade: args.at(-1) === 'GET' ? isNothing : isOk };
    case 'UNLINK': {
      const keys = args.slice(1);
      return { keys, isMade: (reply) => reply === keys.length };
    }
    case 'EVALSHA':
    case 'EVAL':
      return { keys: args.slice(3, 4), isMade: isOne };
    default:
      return undefined;
  }
}

const isNothing = (reply: Reply): boolean => reply === null;
const isOne = (reply: Reply): boolean => reply === 1;

/**
 * Tells the news of what a connection has changed itself from the news of everybody else's changes.
 *
 * Redis could keep the first to itself (`NOLOOP`). It then also keeps to itself which keys it forgot or evicted while it ran a
 * command of that connection, and their copies would never be told of anything again.
 *
 * That a key was read is noted once, and used up by the first news of it. So from a write on nothing is told of its key until
 * the key is read again, and whatever comes between the reply to the write and the next reply, of the key that was written, is
 * of that write. This needs news in the order of the replies, and a server that tells of a command's changes behind its
 * reply, as Redis does since 7.0.
 */
export class OwnChanges {
  #keys: Set<string> | undefined;

  /** Every reply of the connection, in order, with what its command may have changed; an error changed nothing that counts. */
  answered(change: OwnChange | undefined, reply: Reply): void {
    this.#keys = change?.isMade(reply) ? new Set(change.keys.map(String)) : undefined;
  }

  /** Whether the news of this key are of what was done here last. */
  has(key: string | null): boolean {
    return key !== null && this.#keys !== undefined && this.#keys.delete(key);
  }
}
