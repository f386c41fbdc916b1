/** What has to be undone, last first. */
export class Cleanup {
  readonly #tasks: (() => Promise<void> | void)[] = [];
  #running: Promise<void> | undefined;

  add(task: () => Promise<void> | void): void {
    this.#tasks.push(task);
  }

  /** Runs every task once, also when another one fails. A second call waits for the first. */
  run(): Promise<void> {
    this.#running ??= this.#runAll();
    return this.#running;
  }

  async #runAll(): Promise<void> {
    for (let task = this.#tasks.pop(); task !== undefined; task = this.#tasks.pop()) {
      try {
        await task();
      } catch (error) {
        console.error('While stopping:', error);
      }
    }
  }
}
