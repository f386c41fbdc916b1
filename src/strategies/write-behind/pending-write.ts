import { ServerError } from '../../errors.js';
import type { Reply } from '../../redis/port.js';
import { idOf, type IdType, type ResourceId } from '../resource-id.js';
import { replyText } from '../../redis/reply-text.js';

/**
 * One acknowledged write that the database may not have yet. In Redis it is one line of text, `sequence attempts queuedAt
 * kind`, a line feed, and the value's entry (docs/format.md). The kind is two letters: `s` for a value or `r` for a removal, which
 * has none; and the type of the id, `t` for text, `n` for a number, `b` for a bigint.
 */
export interface PendingWrite {
  readonly id: ResourceId;
  /** The id as Redis has it. */
  readonly field: string;
  /** Grows with every write of the partition, so that of two writes of one id the later has the higher. */
  readonly sequence: number;
  /** How often the database has refused it. */
  readonly attempts: number;
  /** Server time in ms at which it was acknowledged. */
  readonly queuedAt: number;
  /** The entry of the value; undefined for a removal. */
  readonly entry: Buffer | undefined;
}

const LINE_FEED = 0x0a;
const HEAD = /^(\d{1,16}) (\d{1,9}) (\d{1,15}) ([sr])([tnb])$/;

/** @throws ServerError for what is no record: somebody else wrote it. */
export function readPendingWrite(field: string, record: Reply): PendingWrite {
  const bytes = Buffer.isBuffer(record) ? record : Buffer.from(replyText(record));
  const end = bytes.indexOf(LINE_FEED);
  const head = HEAD.exec(bytes.toString('latin1', 0, Math.max(0, end)));
  const sequence = Number(head?.[1]);
  const id = head ? idOf(field, head[5] as IdType) : undefined;
  if (!head || id === undefined || !Number.isSafeInteger(sequence)) {
    throw new ServerError('what Redis holds for a pending write is none', { key: field });
  }
  return {
    id,
    field,
    sequence,
    attempts: Number(head[2]),
    queuedAt: Number(head[3]),
    // What comes from Redis belongs to a larger buffer that is used again.
    entry: head[4] === 'r' ? undefined : Buffer.from(bytes.subarray(end + 1)),
  };
}
