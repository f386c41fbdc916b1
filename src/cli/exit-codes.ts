/** What the process says to the shell. Scripts depend on these: docs/guides/cli.md has them, and they do not change. */
export const EXIT = {
  ok: 0,
  /** The operation failed, or what was asked for is not there; of `doctor`, a problem was found. */
  failed: 1,
  /** The command line is wrong. Nothing was asked of Redis. */
  usage: 2,
  /** Redis, or the dashboard, cannot be reached, does not answer, or refuses the login. */
  unreachable: 3,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
