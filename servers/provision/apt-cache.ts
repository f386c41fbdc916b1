import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { Machine, RunResult } from './machine.js';
import { examine, type BinarySource, type Found } from './redis-binary.js';

/*
 * Unpacks the distribution's own packages into the project's cache: no root, nothing changed on the machine.
 * `redis-server` is a link to `redis-check-rdb`, which is in redis-tools. What these need beside themselves is normally
 * installed; where it is not (very small images), the direct dependencies of redis-tools are fetched as well.
 */
const packages = ['redis-server', 'redis-tools', 'libatomic1', 'libjemalloc2', 'liblzf1'];

const place = 'the project cache (.cache/redis)';

function home(machine: Machine): string {
  return join(machine.cache, 'redis', process.arch);
}

async function libraryPath(machine: Machine, root: string): Promise<string> {
  const lib = join(root, 'usr', 'lib');
  const names = existsSync(lib) ? await readdir(lib) : [];
  const folders = names.filter((name) => name.includes('-linux-')).map((name) => join(lib, name));
  const inherited = machine.env['LD_LIBRARY_PATH'];
  return [...folders, ...(inherited ? [inherited] : [])].join(delimiter);
}

async function examineRoot(machine: Machine, root: string, source: BinarySource): Promise<Found> {
  const env = { LD_LIBRARY_PATH: await libraryPath(machine, root) };
  return examine(machine, { command: join(root, 'usr', 'bin', 'redis-server'), env, source, place });
}

/** The binary that an earlier run downloaded. */
export async function fromCache(machine: Machine): Promise<Found> {
  const root = home(machine);
  return existsSync(root) ? examineRoot(machine, root, 'cache') : { missing: `${root} does not exist` };
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

async function directDependencies(machine: Machine): Promise<string[]> {
  const listed = await machine.run('apt-cache', ['depends', '--important', 'redis-tools']);
  const names = [...(listed?.output.matchAll(/^ *Depends: (?<name>[a-z0-9.+-]+)$/gm) ?? [])];
  return names.flatMap((match) => match.groups?.['name'] ?? []).filter((name) => name !== 'libc6');
}

async function unpack(machine: Machine, work: string): Promise<Found> {
  const root = join(work, 'root');
  const trouble = await fetchInto(machine, root, join(work, 'packages'), packages);
  if (trouble !== undefined) return { missing: trouble };
  const found = await examineRoot(machine, root, 'download');
  if (!('missing' in found) || !found.missing.includes('shared libraries')) return found;
  const more = await directDependencies(machine);
  if (more.length === 0 || (await fetchInto(machine, root, join(work, 'more'), more)) !== undefined)
    return found;
  return examineRoot(machine, root, 'download');
}

/**
 * Downloads and unpacks in a folder of its own, tries the result there, then renames it into place. Of two processes that
 * do so at once, the second finds the place taken, and uses what is there if it works.
 */
export async function fromDownload(machine: Machine): Promise<Found> {
  const root = home(machine);
  await mkdir(join(machine.cache, 'redis'), { recursive: true });
  const work = await mkdtemp(join(machine.cache, 'redis', '.unpack-'));
  try {
    const found = await unpack(machine, work);
    if ('missing' in found) return found;
    await moveIntoPlace(machine, work, root);
    return await examineRoot(machine, root, 'download');
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function moveIntoPlace(machine: Machine, work: string, root: string): Promise<void> {
  const fresh = join(work, 'root');
  try {
    await rename(fresh, root);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
    if (!('missing' in (await fromCache(machine)))) return;
    // What is there does not run (another distribution's, say): it goes, together with our own work folder.
    await rename(root, join(work, 'unusable'));
    await rename(fresh, root);
  }
}
