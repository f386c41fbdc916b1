import { parseDuration, type Duration } from '../duration.js';
import { InvalidOptionError } from '../errors.js';
import { describeValue, rejectUnknownOptions } from '../validate.js';
import { seededRandom } from './seeded-random.js';

/**
 * - `refused`: the command is not sent, and its caller is told so.
 * - `unanswered`: it is carried out, and its caller is told that nobody knows.
 * - `silent`: it is carried out, and its caller is told nothing until the deadline.
 * - `delayed`: its answer comes later.
 * - `outage`: the connection is lost with all that is under way, and there is another one after a while.
 * - `forgotten`: the server tells that any key may have been changed, as it does after a FLUSHALL.
 */
export type PortFault = 'refused' | 'unanswered' | 'silent' | 'delayed' | 'outage' | 'forgotten';

export interface PortFaultOptions {
  /** The same seed draws the same faults for the same commands. Default 1. */
  readonly seed?: number;
  /** How probable each is, with each command: from 0 to 1, and all of them together. Default 0.02 for each. */
  readonly chances?: { readonly [Fault in PortFault]?: number };
  /** An answer is `delayed` by this at most. Default 50 ms. */
  readonly delay?: Duration;
  /** An `outage` lasts for this at most. Default 200 ms. */
  readonly outage?: Duration;
}

const FAULTS: readonly PortFault[] = ['refused', 'unanswered', 'silent', 'delayed', 'outage', 'forgotten'];
const CHANCE = 0.02;

/** Draws what happens to commands. */
export class PortFaults {
  /** How often each happened so far. */
  readonly counts: Record<PortFault, number> = {
    refused: 0,
    unanswered: 0,
    silent: 0,
    delayed: 0,
    outage: 0,
    forgotten: 0,
  };
  readonly #random: () => number;
  readonly #chances: ReadonlyArray<readonly [PortFault, number]>;
  readonly #longestDelay: number;
  readonly #longestOutage: number;

  /** @throws InvalidOptionError */
  constructor(options: PortFaultOptions) {
    rejectUnknownOptions(options, ['seed', 'chances', 'delay', 'outage'], 'ChaosPort');
    const { seed = 1, chances = {} } = options;
    if (!Number.isInteger(seed)) {
      throw new InvalidOptionError(`ChaosPort.seed: expected a whole number, got ${describeValue(seed)}`);
    }
    rejectUnknownOptions(chances, FAULTS, 'ChaosPort.chances');
    this.#chances = FAULTS.map((fault) => [fault, chanceOf(fault, chances[fault] ?? CHANCE)]);
    const sum = this.#chances.reduce((total, [, chance]) => total + chance, 0);
    // Fractions do not add up to the last bit.
    if (sum > 1 + 1e-9)
      throw new InvalidOptionError(`ChaosPort.chances: together they are ${sum}, which is more than 1`);
    this.#random = seededRandom(seed);
    this.#longestDelay = parseDuration(options.delay ?? 50, 'ChaosPort.delay', { min: 0 });
    this.#longestOutage = parseDuration(options.outage ?? 200, 'ChaosPort.outage', { min: 0 });
  }

  /** What happens to the next command; undefined: nothing. */
  draw(): PortFault | undefined {
    let drawn = this.#random();
    for (const [fault, chance] of this.#chances) {
      if (drawn < chance) return fault;
      drawn -= chance;
    }
    return undefined;
  }

  /** Milliseconds. */
  delay(): number {
    return this.#random() * this.#longestDelay;
  }

  /** Milliseconds. */
  outage(): number {
    return this.#random() * this.#longestOutage;
  }
}

function chanceOf(fault: PortFault, chance: unknown): number {
  if (typeof chance === 'number' && chance >= 0 && chance <= 1) return chance;
  throw new InvalidOptionError(
    `ChaosPort.chances.${fault}: expected a number from 0 to 1, got ${describeValue(chance)}`,
  );
}
