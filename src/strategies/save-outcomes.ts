import { InvalidOptionError } from '../errors.js';
import { describeValue } from '../validate.js';

/**
 * For each write why it failed, if it did, from what a `saveMany` resolved with: nothing where all succeeded, or an array in the
 * order of the writes.
 *
 * @throws InvalidOptionError for anything else: which writes succeeded is then unknown.
 */
export function saveOutcomes(given: unknown, count: number): Array<Error | undefined> {
  if (given === undefined) return Array.from({ length: count }, () => undefined);
  if (Array.isArray(given) && given.length === count) {
    return given.map((outcome: unknown) => (outcome instanceof Error ? outcome : undefined));
  }
  throw new InvalidOptionError(
    `saveMany: expected nothing, or an array of ${count} outcomes in the order of the writes, got ` +
      (Array.isArray(given) ? `an array of ${given.length}` : describeValue(given)),
  );
}
