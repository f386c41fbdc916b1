import type { Browser, Page } from 'playwright-core';
import { expect } from 'vitest';
import type { MountedDashboard } from './visitor.js';

/** A page that is open, and what it did that it must not. */
export class OpenPage implements AsyncDisposable {
  readonly page: Page;
  readonly dashboard: MountedDashboard;
  readonly #misdeeds: string[];

  private constructor(page: Page, dashboard: MountedDashboard, misdeeds: string[]) {
    this.page = page;
    this.dashboard = dashboard;
    this.#misdeeds = misdeeds;
  }

  static async on(browser: Browser, dashboard: MountedDashboard, path = '/tiercel/'): Promise<OpenPage> {
    const page = await (await browser.newContext()).newPage();
    const misdeeds: string[] = [];
    page.on('request', (request) => {
      if (new URL(request.url()).origin !== dashboard.origin) misdeeds.push(`asked ${request.url()}`);
    });
    page.on('pageerror', (error) => misdeeds.push(String(error)));
    page.on('console', (message) => {
      // What the browser says of every answer that is not 2xx, wanted or not.
      const isAnswer = message.text().startsWith('Failed to load resource');
      if (message.type() === 'error' && !isAnswer) misdeeds.push(message.text());
    });
    page.on('dialog', (dialog) => void dialog.accept());
    // As text: the page's globals are none of Node's.
    await page.addInitScript(`addEventListener('securitypolicyviolation', (event) => {
      console.error('against the policy: ' + event.violatedDirective + ' ' + event.blockedURI);
    })`);
    await page.goto(dashboard.origin + path);
    return new OpenPage(page, dashboard, misdeeds);
  }

  /** The text of what has this test id, once there is any. */
  async text(id: string): Promise<string> {
    return (await this.page.getByTestId(id).innerText()).trim();
  }

  async live(): Promise<this> {
    await this.page.locator('[data-line=live]').waitFor();
    return this;
  }

  /** It asked nobody else, threw nothing, and broke no policy. */
  behaved(): void {
    expect(this.#misdeeds).toEqual([]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.context().close();
    await this.dashboard[Symbol.asyncDispose]();
    this.behaved();
  }
}
