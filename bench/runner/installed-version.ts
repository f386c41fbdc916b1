import { readFileSync } from 'node:fs';

/** The version of a package as this folder has it installed. Read from its file, because many do not export it. */
export function installedVersion(name: string): string {
  const file = new URL(`../node_modules/${name}/package.json`, import.meta.url);
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
  return version;
}
