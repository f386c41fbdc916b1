import { chromium, type Browser } from 'playwright-core';
import { provisionChromium } from '../../servers/provision/chromium.js';

/** Nothing is asked of anybody but the page under test, which is our own: it may do without the sandbox that root cannot have. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Milliseconds for a hook that launches it: it may have to be downloaded first. */
export const TO_LAUNCH = 300_000;

/** A browser with a profile of its own. @throws Error that says what helps, where there is none and none can be had. */
export async function launchChromium(): Promise<Browser> {
  const { command, env } = await provisionChromium();
  return chromium.launch({ executablePath: command, args: FLAGS, env: { ...process.env, ...env } });
}
