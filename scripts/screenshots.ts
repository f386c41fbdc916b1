/*
 * Takes the pictures of the dashboard that the documentation shows: `npm run screenshots`. With a number, lets the shop trade for
 * so many seconds first (default 75).
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { dashboardHandler } from 'tiercel/dashboard';
import { startRedis } from '../servers/redis.js';
import { launchChromium } from '../test/support/chromium.js';
import { Shop } from '../test/support/shop.js';

const seconds = Number(process.argv[2] ?? 75);
const picture = (name: string): string =>
  fileURLToPath(new URL(`../docs/dashboard-${name}.png`, import.meta.url));

await using redis = await startRedis();
await using shop = new Shop(redis.url);
await shop.cache.ready();
shop.takesCarts = false;
await shop.carts.save(4711, { id: 4711 });
await shop.carts.save(4712, { id: 4712 });
await shop.carts.flush();
shop.takesCarts = true;
shop.trade();

const server = createServer(dashboardHandler(shop.cache, { actions: true })).listen(0, '127.0.0.1');
await once(server, 'listening');
const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/tiercel/`;
const browser = await launchChromium();
const views = [
  { name: 'light', colorScheme: 'light', fullPage: true, viewport: { width: 1280, height: 900 } },
  { name: 'dark', colorScheme: 'dark', fullPage: false, viewport: { width: 1280, height: 1290 } },
  { name: 'phone', colorScheme: 'light', fullPage: false, viewport: { width: 390, height: 1100 } },
] as const;
try {
  const pages = await Promise.all(
    views.map(async ({ name, fullPage, ...options }) => {
      const context = await browser.newContext({ ...options, deviceScaleFactor: name === 'phone' ? 2 : 1 });
      const page = await context.newPage();
      await page.goto(address);
      return { name, fullPage, page };
    }),
  );
  await pause(seconds * 1000);
  for (const { name, fullPage, page } of pages) {
    if (name !== 'phone') {
      await page.getByRole('button', { name: 'Memory of shop in Redis' }).click();
      await page.getByText('Stored otherwise').waitFor();
      await page.getByLabel('Key, without the namespace').fill('product:7');
      await page.getByRole('button', { name: 'Inspect' }).click();
      await page.getByTestId('value').waitFor();
      await page.getByRole('button', { name: 'Look at the dead letters of cart' }).click();
      await page.getByText('violates constraint').first().waitFor();
      await page.mouse.move(0, 0);
      await page.evaluate('document.activeElement.blur(); scrollTo(0, 0)');
    }
    await page.screenshot({ path: picture(name), fullPage });
    console.log(picture(name));
  }
} finally {
  await browser.close();
  server.closeAllConnections();
  server.close();
}
