// Installs what the bench compares with, only when it is missing or not what the lock file says. The peers live in
// bench/node_modules, so that installing the library never brings them along.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const stamp = path('node_modules/.installed-lock');
const lock = createHash('sha256')
  .update(readFileSync(path('package-lock.json')))
  .digest('hex');

if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lock) {
  console.log('Installing the contenders (npm ci in bench/) ...');
  const npm = spawnSync('npm', ['ci', '--prefix', here, '--no-audit', '--no-fund', '--loglevel=error'], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (npm.status !== 0) {
    console.error(`npm ci in bench/ failed${npm.error ? `: ${npm.error.message}` : ''}`);
    process.exit(npm.status ?? 1);
  }
  writeFileSync(stamp, lock);
}

// bench/package.json is a package scope of its own, in which the library cannot be reached by self-reference.
if (!existsSync(path('node_modules/tiercel'))) {
  symlinkSync(path('..'), path('node_modules/tiercel'), 'junction');
}
