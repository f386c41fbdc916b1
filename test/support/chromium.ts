import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/** Nothing is asked of anybody but the page under test. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** The browser that `CHROMIUM` names, or else one of the PATH, with a profile of its own. @throws Error that says what helps. */
export function launchChromium(): Promise<Browser> {
  const program = process.env['CHROMIUM'] || fromPath();
  if (program === undefined || !existsSync(program)) {
    throw new Error(
      `The tests of the dashboard need Chromium, and there is none ${program === undefined ? 'on the PATH' : `at ${program}`}.\n` +
        'Any of these helps:\n' +
        '  apt-get install -y --no-install-recommends chromium\n' +
        '  CHROMIUM=/path/to/chromium npm test',
    );
  }
  return chromium.launch({ executablePath: program, args: FLAGS });
}

function fromPath(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find(existsSync);
}
