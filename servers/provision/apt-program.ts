import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { Machine, RunResult } from './machine.js';

/** Milliseconds. */
const LONGEST_DOWNLOAD = 300_000;

/** Either a program, or the reason why this place has none. */
export type Findable<Program> = Program | { readonly missing: string };

/** Where a program was unpacked, for whoever is to try it. */
export interface Unpacked {
  readonly command: string;
  readonly env: Readonly<Record<string, string>>;
  readonly source: 'cache' | 'download';
  /** Completes `redis-server 7.0.15 from …`. */
  readonly place: string;
}

/** A program of the distribution's packages. */
export interface AptProgram<Program> {
  /** Its folder in the project's cache. */
  readonly name: string;
  readonly packages: readonly string[];
  /** Where it is in what is unpacked, such as `usr/bin/redis-server`. */
  readonly program: string;
  /** Tells which packages are fetched as well where shared libraries are missing (very small images). */
  readonly libraries?: (apt: Apt, folder: string) => Promise<string[]>;
  /** Runs it once, and says what it is. */
  examine(machine: Machine, unpacked: Unpacked): Promise<Findable<Program>>;
}

function home(machine: Machine, { name }: { readonly name: string }): string {
  return join(machine.cache, name, process.arch);
}

async function libraryPath(machine: Machine, root: string): Promise<string> {
  const folders: string[] = [];
  for (const lib of [join(root, 'usr', 'lib'), join(root, 'lib')].filter(existsSync)) {
    const names = (await readdir(lib)).filter((name) => name.includes('-linux-'));
    for (const folder of names.map((name) => join(lib, name))) {
      // Some keep a part of theirs in a folder below, which they know by its place in the real root only.
      const below = await readdir(folder, { withFileTypes: true });
      const deeper = below.filter((entry) => entry.isDirectory()).map(({ name }) => join(folder, name));
      folders.push(folder, ...deeper);
    }
  }
  const inherited = machine.env['LD_LIBRARY_PATH'];
  return [...folders, ...(inherited ? [inherited] : [])].join(delimiter);
}

async function examineRoot<Program>(
  machine: Machine,
  wanted: AptProgram<Program>,
  root: string,
  source: Unpacked['source'],
): Promise<Findable<Program>> {
  const env = { LD_LIBRARY_PATH: await libraryPath(machine, root) };
  const place = `the project cache (.cache/${wanted.name})`;
  return wanted.examine(machine, { command: join(root, wanted.program), env, source, place });
}

/** The program that an earlier run downloaded. */
export async function fromAptCache<Program>(
  machine: Machine,
  wanted: AptProgram<Program>,
): Promise<Findable<Program>> {
  const root = home(machine, wanted);
  if (!existsSync(root)) return { missing: `${root} does not exist` };
  return examineRoot(machine, wanted, root, 'cache');
}

/** apt-get for whoever is not root: with the machine's package lists, or, where those are empty or stale, with own ones. */
export class Apt {
  readonly machine: Machine;
  readonly #work: string;
  #updated: readonly string[] | undefined;

  /** @param work - a folder for its own lists. */
  constructor(machine: Machine, work: string) {
    this.machine = machine;
    this.#work = work;
  }

  async run(args: readonly string[], folder: string): Promise<RunResult | undefined> {
    const options = { cwd: folder, timeout: LONGEST_DOWNLOAD };
    if (this.#updated === undefined) {
      const first = await this.machine.run('apt-get', args, options);
      if (first === undefined || first.code === 0) return first;
      const update = await this.#update();
      if (update?.code !== 0) return update;
    }
    return this.machine.run('apt-get', [...(this.#updated ?? []), ...args], options);
  }

  async #update(): Promise<RunResult | undefined> {
    const options = [
      ['-o', `Dir::State::lists=${join(this.#work, 'lists')}`],
      ['-o', `Dir::Cache=${join(this.#work, 'apt')}`],
      // The user apt drops to when root runs it may not be able to enter our folder.
      ['-o', 'APT::Sandbox::User='],
    ].flat();
    await mkdir(join(this.#work, 'lists', 'partial'), { recursive: true });
    await mkdir(join(this.#work, 'apt', 'archives', 'partial'), { recursive: true });
    const update = await this.machine.run('apt-get', [...options, 'update'], { cwd: this.#work });
    if (update?.code === 0) this.#updated = options;
    return update;
  }
}

/** Fetches packages and unpacks them into `root`. Undefined if all went well, else what did not. */
async function fetchInto(
  apt: Apt,
  root: string,
  folder: string,
  names: readonly string[],
): Promise<string | undefined> {
  await mkdir(folder, { recursive: true });
  const download = await apt.run(['download', ...names], folder);
  if (download === undefined) return 'there is no apt-get';
  if (download.code !== 0) return `apt-get download failed: ${download.output.trim()}`;
  for (const name of await readdir(folder)) {
    if (!name.endsWith('.deb')) continue;
    const unpacked = await apt.machine.run('dpkg', ['-x', join(folder, name), root]);
    if (unpacked?.code !== 0)
      return `dpkg -x ${name} failed: ${unpacked?.output.trim() ?? 'there is no dpkg'}`;
  }
  return undefined;
}

/** What the package itself depends on. */
export function directDependencies(of: string): (apt: Apt) => Promise<string[]> {
  return async ({ machine }) => {
    const listed = await machine.run('apt-cache', ['depends', '--important', of]);
    const names = [...(listed?.output.matchAll(/^ *Depends: (?<name>[a-z0-9.+-]+)$/gm) ?? [])];
    return names.flatMap((match) => match.groups?.['name'] ?? []).filter((name) => name !== 'libc6');
  };
}

/** All that installing the package would bring to this machine, with what that depends on in its turn. */
export function missingDependencies(of: string): (apt: Apt, folder: string) => Promise<string[]> {
  return async (apt, folder) => {
    const asked = ['install', '--print-uris', '--yes', '--no-install-recommends'];
    const options = ['-o', 'Debug::NoLocking=1', '-o', `Dir::Cache::archives=${folder}`];
    const listed = await apt.run([...asked, ...options, of], folder);
    if (listed?.code !== 0) return [];
    const names = [...listed.output.matchAll(/^'\S+' (?<name>[a-z0-9.+-]+)_\S+\.deb /gm)];
    return names.flatMap((match) => match.groups?.['name'] ?? []).filter((name) => name !== 'libc6');
  };
}

async function unpack<Program>(
  machine: Machine,
  wanted: AptProgram<Program>,
  work: string,
): Promise<Findable<Program>> {
  const root = join(work, 'root');
  const apt = new Apt(machine, work);
  const trouble = await fetchInto(apt, root, join(work, 'packages'), wanted.packages);
  if (trouble !== undefined) return { missing: trouble };
  const found = await examineRoot(machine, wanted, root, 'download');
  if (!isMissing(found) || !found.missing.includes('shared libraries') || !wanted.libraries) return found;
  const folder = join(work, 'more');
  await mkdir(join(folder, 'partial'), { recursive: true });
  const more = await wanted.libraries(apt, folder);
  if (more.length === 0 || (await fetchInto(apt, root, folder, more)) !== undefined) return found;
  return examineRoot(machine, wanted, root, 'download');
}

/**
 * Unpacks the distribution's own packages into the project's cache: no root, nothing changed on the machine. It is done in a
 * folder of its own and tried there, then renamed into place. Of two processes that do so at once, the second finds the place
 * taken, and uses what is there if it works.
 */
export async function fromAptDownload<Program>(
  machine: Machine,
  wanted: AptProgram<Program>,
): Promise<Findable<Program>> {
  const root = home(machine, wanted);
  await mkdir(join(machine.cache, wanted.name), { recursive: true });
  const work = await mkdtemp(join(machine.cache, wanted.name, '.unpack-'));
  try {
    const found = await unpack(machine, wanted, work);
    if (isMissing(found)) return found;
    await moveIntoPlace(machine, wanted, work, root);
    return await examineRoot(machine, wanted, root, 'download');
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function moveIntoPlace<Program>(
  machine: Machine,
  wanted: AptProgram<Program>,
  work: string,
  root: string,
): Promise<void> {
  const fresh = join(work, 'root');
  try {
    await rename(fresh, root);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
    if (!isMissing(await fromAptCache(machine, wanted))) return;
    // What is there does not run (another distribution's, say): it goes, together with our own work folder.
    await rename(root, join(work, 'unusable'));
    await rename(fresh, root);
  }
}

function isMissing(found: unknown): found is { readonly missing: string } {
  return typeof found === 'object' && found !== null && 'missing' in found;
}
