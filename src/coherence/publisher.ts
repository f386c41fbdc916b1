import { randomBytes } from 'node:crypto';
import { encodeMessage } from './change-message.js';

/** Milliseconds after a change by which its number is told once more, on its own. */
const TELL_AFTER = 1000;

/**
 * This process as one that tells others of its changes. It numbers them, so that others notice one that they did not hear, and
 * tells its latest number to whoever has just subscribed, and a second after a change: so the loss of the last one is noticed
 * too, and where that was under way on a connection that broke, as soon as there is another.
 */
export class Publisher {
  readonly id = randomBytes(12).toString('base64url');
  readonly #publish: (message: string) => Promise<unknown>;
  #n = 0;
  #toTell: NodeJS.Timeout | undefined;
  #answering = false;
  #closed = false;

  /** @param publish - sends a message that goes with no change. */
  constructor(publish: (message: string) => Promise<unknown>) {
    this.#publish = publish;
  }

  /** The message of one more change, to be published in one step with it. */
  change(keys: readonly string[]): string {
    this.#tellLater();
    return encodeMessage({ by: this.id, n: ++this.#n, keys });
  }

  /** Asks all others for their numbers. */
  hello(): void {
    this.#publish(encodeMessage({ by: this.id, n: this.#n, hello: true })).catch(() => undefined);
  }

  /** Somebody has just subscribed; many may have at once, and one answer does for all. */
  answer(): void {
    if (this.#answering || this.#n === 0) return;
    this.#answering = true;
    setTimeout(() => {
      this.#answering = false;
      void this.tell();
    }, 5).unref();
  }

  /** Tells the latest number; again after a while where that failed. */
  async tell(): Promise<void> {
    if (this.#n === 0) return;
    try {
      await this.#publish(encodeMessage({ by: this.id, n: this.#n }));
    } catch {
      this.#tellLater();
    }
  }

  /** Resolves when all that is to be told was, or could not be. */
  async close(): Promise<void> {
    const untold = this.#toTell !== undefined;
    this.#closed = true;
    clearTimeout(this.#toTell);
    if (untold) await this.tell();
  }

  #tellLater(): void {
    if (this.#closed) return;
    this.#toTell ??= setTimeout(() => {
      this.#toTell = undefined;
      void this.tell();
    }, TELL_AFTER).unref();
  }
}
