import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import {
  fromAptCache,
  fromAptDownload,
  missingDependencies,
  type AptProgram,
  type Findable,
  type Unpacked,
} from './apt-program.js';
import { findProgram } from './find-program.js';
import { thisMachine, type Machine } from './machine.js';

/** A Chromium, or a browser made of it, that was run once and told its version. */
export interface ChromiumBinary {
  readonly command: string;
  /** What it needs in its environment beside what we have ourselves. */
  readonly env: Readonly<Record<string, string>>;
  /** Such as `138.0.7204.92`. */
  readonly version: string;
  /** One line for people. */
  describe(): string;
}

type Candidate = Pick<Unpacked, 'command' | 'place'> & Partial<Pick<Unpacked, 'env'>>;

async function examine(
  machine: Machine,
  { command, place, env = {} }: Candidate,
): Promise<Findable<ChromiumBinary>> {
  const result = await machine.run(command, ['--version'], { env: { ...machine.env, ...env } });
  if (result === undefined) return { missing: `there is no ${command}` };
  const version = /\d+(?:\.\d+)+/.exec(result.output)?.[0];
  // What Ubuntu has under this name only tells how to get the real one.
  if (result.code !== 0 || version === undefined) {
    return { missing: `${command} --version ended with ${result.code}: ${result.output.trim()}` };
  }
  return { command, env, version, describe: () => `Chromium ${version} from ${place}` };
}

/** Telling the version takes less than showing a page: files that it opens then, and libraries that those want. */
async function examineUnpacked(machine: Machine, unpacked: Unpacked): Promise<Findable<ChromiumBinary>> {
  const root = join(unpacked.command, '..', '..', '..', '..');
  const hasFonts = existsSync(join(root, 'etc', 'fonts', 'fonts.conf'));
  const env = { ...unpacked.env, ...(hasFonts && { FONTCONFIG_SYSROOT: root }) };
  const found = await examine(machine, { ...unpacked, env });
  if ('missing' in found) return found;
  const page = ['--no-sandbox', '--disable-gpu', '--dump-dom', 'data:text/html,<p>shown'];
  const shown = await machine.run(found.command, page, { env: { ...machine.env, ...env }, timeout: 30_000 });
  if (shown?.output.includes('<p>shown</p>')) return found;
  return { missing: `${found.command} shows no page: ${shown?.output.trim() ?? ''}` };
}

/** The one without windows, which has no desktop to depend on. It reads what it has in common with the other one. */
const CHROMIUM: AptProgram<ChromiumBinary> = {
  name: 'chromium',
  packages: ['chromium-headless-shell', 'chromium-common'],
  // What is in usr/bin looks for it in the real root.
  program: 'usr/lib/chromium/chromium-headless-shell',
  libraries: missingDependencies('chromium-headless-shell'),
  examine: examineUnpacked,
};

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/** By its whole path, since whoever launches it does not look for it. */
async function fromPath(machine: Machine): Promise<Findable<ChromiumBinary>> {
  const folders = (machine.env['PATH'] ?? '').split(delimiter);
  const commands = folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).filter(existsSync);
  const reasons: string[] = [];
  for (const command of commands) {
    const found = await examine(machine, { command, place: 'PATH' });
    if (!('missing' in found)) return found;
    reasons.push(found.missing);
  }
  return { missing: reasons.join('; ') || `there is no ${NAMES.join(', nor ')}` };
}

/**
 * Finds Chromium: `CHROMIUM` in the environment (if it cannot be used, nothing else is tried), the PATH, the project's cache, or
 * the distribution's packages, downloaded and unpacked into that cache.
 *
 * @throws Error with what was tried, and what helps.
 */
export function findChromium(machine: Machine): Promise<ChromiumBinary> {
  return findProgram(machine, {
    variable: 'CHROMIUM',
    fromVariable: (command) => examine(machine, { command, place: 'CHROMIUM' }),
    places: {
      PATH: () => fromPath(machine),
      cache: () => fromAptCache(machine, CHROMIUM),
      packages: () => fromAptDownload(machine, CHROMIUM),
    },
    complaint: 'No Chromium was found, and the tests of the dashboard need a real one.',
    help: [
      'Either of these helps:',
      '  sudo apt-get install --no-install-recommends chromium',
      '  export CHROMIUM=/path/to/chromium',
    ],
  });
}

let found: Promise<ChromiumBinary> | undefined;

/** `findChromium` on this machine, searched once a process. */
export async function provisionChromium(): Promise<ChromiumBinary> {
  found ??= findChromium(thisMachine);
  return found;
}
