/** The command line is wrong. The message names the option and, but for secrets, the value it had. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
