/*
 * Builds the page of the dashboard into dist/dashboard/page, unless it is newer than all that it is made of. The demo and the
 * tests run this first, so that a fresh clone needs no step of its own.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const sources = ['dashboard', 'src/metrics', 'package-lock.json'];

function newest(path) {
  const found = statSync(path);
  if (!found.isDirectory()) return found.mtimeMs;
  return Math.max(...readdirSync(path).map((name) => newest(join(path, name))));
}

function builtAt() {
  try {
    return statSync(join(root, 'dist/dashboard/page/index.html')).mtimeMs;
  } catch {
    return -Infinity;
  }
}

if (builtAt() < Math.max(...sources.map((path) => newest(join(root, path))))) {
  console.log('Building the page of the dashboard.');
  const { build } = await import('vite');
  await build({ configFile: join(root, 'dashboard/vite.config.ts') });
}
