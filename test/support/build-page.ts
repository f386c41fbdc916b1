import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** The suites that look at the dashboard find its page, as it is now. */
export default async function setup(): Promise<void> {
  const script = fileURLToPath(new URL('../../scripts/build-page.mjs', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script]);
  process.stdout.write(stdout);
}
