/**
 * What of the key is hashed: the text between the first `{` and the first `}` after it, if there is any; undefined where the
 * whole key is. Keys with the same tag live together.
 */
export function hashTag(key: string): string | undefined {
  const open = key.indexOf('{');
  if (open === -1) return undefined;
  const close = key.indexOf('}', open + 1);
  return close > open + 1 ? key.slice(open + 1, close) : undefined;
}
