/** What was asked for could not be done, for a reason that is neither the command line's nor the connection's. */
export class Failure extends Error {
  override readonly name = 'Failure';
}
