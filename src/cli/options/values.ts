import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../../duration.js';
import { InvalidOptionError } from '../../errors.js';

/** Texts of the command line as values. What is wrong is told by commander, with the name of the option. */

/** A whole number of at least `min`. */
export function wholeNumber(min: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (!/^\d{1,15}$/.test(text) || number < min) {
      throw new InvalidArgumentError(`It must be a whole number of at least ${min}.`);
    }
    return number;
  };
}

/** Milliseconds. @param min - in milliseconds. */
export function duration(min: number): (text: string) => number {
  return (text) => {
    try {
      return parseDuration(/^\d+$/.test(text) ? Number(text) : text, 'duration', { min, max: 86_400_000 });
    } catch (error) {
      if (!(error instanceof InvalidOptionError)) throw error;
      throw new InvalidArgumentError(`It must be a duration such as 500ms, 5s or 1m, of at least ${min} ms.`);
    }
  };
}

/** Options that may be given several times. */
export function collected(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text];
}
