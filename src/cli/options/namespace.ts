import type { KeySpace } from '../../client/key-space.js';
import { InvalidOptionError } from '../../errors.js';
import { keySpace } from '../../manager/cache-parts.js';
import { UsageError } from '../usage-error.js';

/**
 * The names of a namespace written as it stands in Redis: `shop:eu` is `eu` within `shop`, and `%3A` and `%25` within a name are
 * a colon and a percent sign. Empty for bare keys.
 *
 * @throws UsageError
 */
export function namespacePath(text: string): readonly string[] {
  if (text === '') return [];
  return text.split(':').map((name) => {
    if (name === '' || /%(?!25|3A)/i.test(name)) {
      throw new UsageError(
        `--namespace: expected names joined with a colon, as in shop or shop:eu, got '${text}'`,
      );
    }
    return name.replaceAll(/%3A/gi, ':').replaceAll('%25', '%');
  });
}

/** @throws UsageError */
export function namespaceKeys(text: string): KeySpace {
  try {
    return keySpace(namespacePath(text));
  } catch (error) {
    if (error instanceof InvalidOptionError) throw new UsageError(`--${error.message}`);
    throw error;
  }
}

/** Whose keys are wanted, as it stands in Redis; undefined for all. @throws UsageError */
export function familyOf(namespace: string | undefined): string | undefined {
  return namespace === undefined || namespace === ''
    ? undefined
    : namespaceKeys(namespace).familyPrefix.slice(0, -1);
}
