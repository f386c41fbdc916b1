import type { Findable } from './apt-program.js';
import type { Machine } from './machine.js';

/** Where a program is looked for, and what is said when it is nowhere. */
export interface Search<Program extends object> {
  /** The variable of the environment that names one. If that cannot be used, nothing else is tried. */
  readonly variable: string;
  readonly fromVariable: (command: string) => Promise<Findable<Program>>;
  /** In order, by the names under which a message tells what was tried. */
  readonly places: Readonly<Record<string, () => Promise<Findable<Program>>>>;
  /** The first line of that message. */
  readonly complaint: string;
  /** The last ones: what the reader can do. */
  readonly help: readonly string[];
}

/** @throws Error with what was tried, and what helps. */
export async function findProgram<Program extends object>(
  machine: Machine,
  { variable, fromVariable, places, complaint, help }: Search<Program>,
): Promise<Program> {
  const wish = machine.env[variable];
  if (wish) {
    const found = await fromVariable(wish);
    if ('missing' in found) throw new Error(`${variable} cannot be used: ${found.missing}`);
    return found;
  }
  const reasons: string[] = [];
  for (const [name, search] of Object.entries(places)) {
    const found = await search();
    if (!('missing' in found)) return found;
    reasons.push(`  ${name}: ${found.missing}`);
  }
  throw new Error([complaint, ...reasons, ...help].join('\n'));
}
