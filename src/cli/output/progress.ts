import type { SingleBar } from 'cli-progress';
import type { Terminal } from '../terminal.js';

/** How far a look at many keys is. */
export interface Progress {
  /** So many more keys are to be looked at. */
  expect(keys: number): void;
  looked(keys: number): void;
  /** Gives the terminal back, so it is due on every way out. */
  end(): void;
}

const NOBODY_LOOKS: Progress = {
  expect: () => undefined,
  looked: () => undefined,
  end: () => undefined,
};

/**
 * A bar on standard error, so that what is piped on stays clean; nothing where that is no terminal.
 *
 * @param what - what is counted; left out where that says nothing to people.
 */
export async function progressOn({ stderr }: Terminal, what?: string): Promise<Progress> {
  if (stderr.isTTY !== true) return NOBODY_LOOKS;
  // Loaded where it is needed: scripts and pipes start faster without it.
  const { SingleBar: Bar } = await import('cli-progress');
  return new KeysBar(
    new Bar({
      format: `  {bar} {percentage}%${what === undefined ? '' : `  {value} of {total} ${what}`}`,
      barCompleteChar: '█',
      barIncompleteChar: '░',
      hideCursor: true,
      clearOnComplete: true,
      stream: stderr,
    }),
  );
}

class KeysBar implements Progress {
  readonly #bar: SingleBar;
  #total = 0;
  #running = false;

  constructor(bar: SingleBar) {
    this.#bar = bar;
  }

  expect(keys: number): void {
    this.#total += keys;
    if (this.#running) this.#bar.setTotal(this.#total);
    else this.#bar.start(this.#total, 0);
    this.#running = true;
  }

  looked(keys: number): void {
    this.#bar.increment(keys);
  }

  end(): void {
    if (this.#running) this.#bar.stop();
    this.#running = false;
  }
}
