import { ServerError } from '../errors.js';
import type { RedisPort } from './port.js';

/** How many keys the server looks at before it lets others have their turn, and about how many come back at most. */
export const KEYS_PER_SCAN = 1000;

export interface ScanPage {
  /** Where the next page begins; `'0'` after the last. */
  readonly cursor: string;
  /** Bytes: others may have stored keys that are no UTF-8. */
  readonly keys: ReadonlyArray<Buffer | string>;
}

/** One step over the keys of one server. @param pattern - see {@link escapeGlob} for its literal parts. */
export async function scanPage(port: RedisPort, cursor: string, pattern: string): Promise<ScanPage> {
  const reply = await port.send({
    key: pattern,
    args: ['SCAN', cursor, 'MATCH', pattern, 'COUNT', String(KEYS_PER_SCAN)],
  });
  if (Array.isArray(reply) && reply.length === 2 && Array.isArray(reply[1])) {
    return { cursor: String(reply[0]), keys: reply[1] as Buffer[] };
  }
  throw new ServerError('Redis answered a SCAN with something else than a cursor and keys');
}

/** The text such that a pattern matches it and nothing else. */
export function escapeGlob(text: string): string {
  return text.replaceAll(/[*?[\]\\]/g, String.raw`\$&`);
}
