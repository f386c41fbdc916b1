/** Milliseconds that a script is to let a key live; nothing for one without an end. */
export function lifeArgument(ms: number): string {
  return ms === Infinity ? '' : String(ms);
}
