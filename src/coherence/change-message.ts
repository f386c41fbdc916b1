/**
 * What processes tell each other of changes, as JSON (docs/format.md):
 *
 * - `{"by":"<publisher>","n":57,"keys":["shop::user:42"]}`: change number 57 of this publisher; these Redis keys.
 * - `{"by":"<publisher>","n":57}`: the publisher has numbered its changes up to 57.
 * - `{"by":"<publisher>","n":57,"hello":true}`: the same, by one that has just subscribed and asks the others to say theirs.
 */
export interface ChangeMessage {
  /** The publisher: random, another one with every cache. */
  readonly by: string;
  /** The number of the change; of a message without `keys`, that of the latest. */
  readonly n: number;
  readonly keys?: readonly string[];
  readonly hello?: true;
}

export function encodeMessage(message: ChangeMessage): string {
  return JSON.stringify(message);
}

/** Undefined where it is none. */
export function decodeMessage(text: string): ChangeMessage | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const { by, n, keys } = parsed as Partial<Record<keyof ChangeMessage, unknown>>;
  if (typeof by !== 'string' || !Number.isSafeInteger(n)) return undefined;
  if (keys !== undefined && !(Array.isArray(keys) && keys.every((key) => typeof key === 'string')))
    return undefined;
  return parsed as ChangeMessage;
}
