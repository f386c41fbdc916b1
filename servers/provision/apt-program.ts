import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { Machine, RunResult } from './machine.js';

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
  /** In `usr/bin` of what is unpacked. */
  readonly program: string;
  /** Whose dependencies are fetched as well where shared libraries are missing (very small images). */
  readonly librariesOf?: string;
  /** Runs it once, and says what it is. */
  examine(machine: Machine, unpacked: Unpacked): Promise<Findable<Program>>;
}

function home(machine: Machine, { name }: { readonly name: string }): string {
  return join(machine.cache, name, process.arch);
}

async function libraryPath(machine: Machine, root: string): Promise<string> {
  const lib = join(root, 'usr', 'lib');
  const names = existsSync(lib) ? await readdir(lib) : [];
  const folders = names.filter((name) => name.includes('-linux-')).map((name) => join(lib, name));
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
  return wanted.examine(machine, { command: join(root, 'usr', 'bin', wanted.program), env, source, place });
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

/** Downloads into `folder` with the machine's package lists, or, where those are empty or stale, with own ones. */
async function downloadPackages(
  machine: Machine,
  folder: string,
  names: readonly string[],
): Promise<RunResult | undefined> {
  const first = await machine.run('apt-get', ['download', ...names], { cwd: folder });
  if (first === undefined || first.code === 0) return first;
  const options = [
    ['-o', `Dir::State::lists=${join(folder, 'lists')}`],
    ['-o', `Dir::Cache=${join(folder, 'apt')}`],
    // The user apt drops to when root runs it may not be able to enter our folder.
    ['-o', 'APT::Sandbox::User='],
  ].flat();
  await mkdir(join(folder, 'lists', 'partial'), { recursive: true });
  await mkdir(join(folder, 'apt', 'archives', 'partial'), { recursive: true });
  const update = await machine.run('apt-get', [...options, 'update'], { cwd: folder });
  if (update?.code !== 0) return update;
  return machine.run('apt-get', [...options, 'download', ...names], { cwd: folder });
}

/** Fetches packages and unpacks them into `root`. Undefined if all went well, else what did not. */
async function fetchInto(
  machine: Machine,
  root: string,
  folder: string,
  names: readonly string[],
): Promise<string | undefined> {
  await mkdir(folder, { recursive: true });
  const download = await downloadPackages(machine, folder, names);
  if (download === undefined) return 'there is no apt-get';
  if (download.code !== 0) return `apt-get download failed: ${download.output.trim()}`;
  for (const name of await readdir(folder)) {
    if (!name.endsWith('.deb')) continue;
    const unpacked = await machine.run('dpkg', ['-x', join(folder, name), root]);
    if (unpacked?.code !== 0)
      return `dpkg -x ${name} failed: ${unpacked?.output.trim() ?? 'there is no dpkg'}`;
  }
  return undefined;
}

async function directDependencies(machine: Machine, of: string): Promise<string[]> {
  const listed = await machine.run('apt-cache', ['depends', '--important', of]);
  const names = [...(listed?.output.matchAll(/^ *Depends: (?<name>[a-z0-9.+-]+)$/gm) ?? [])];
  return names.flatMap((match) => match.groups?.['name'] ?? []).filter((name) => name !== 'libc6');
}

async function unpack<Program>(
  machine: Machine,
  wanted: AptProgram<Program>,
  work: string,
): Promise<Findable<Program>> {
  const root = join(work, 'root');
  const trouble = await fetchInto(machine, root, join(work, 'packages'), wanted.packages);
  if (trouble !== undefined) return { missing: trouble };
  const found = await examineRoot(machine, wanted, root, 'download');
  if (!isMissing(found) || !found.missing.includes('shared libraries') || !wanted.librariesOf) return found;
  const more = await directDependencies(machine, wanted.librariesOf);
  if (more.length === 0 || (await fetchInto(machine, root, join(work, 'more'), more)) !== undefined)
    return found;
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
