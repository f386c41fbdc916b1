import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { LoadJob, LoadResult } from './worker.js';

/** The parent's side of the process that makes the load. */
export class LoadGenerator {
  readonly #child: ChildProcess;

  constructor() {
    // Inherits the loader that lets this process run TypeScript.
    this.#child = fork(fileURLToPath(new URL('worker.ts', import.meta.url)), [], {
      execArgv: process.execArgv,
    });
  }

  /** Runs one job at a time. Rejects when the process ends before it answers. */
  async run(job: LoadJob): Promise<LoadResult> {
    const watch = new AbortController();
    try {
      const answered = once(this.#child, 'message', { signal: watch.signal });
      const ended = once(this.#child, 'exit', { signal: watch.signal }).then(([code]) => {
        throw new Error(`The process that makes the load ended, with code ${String(code)}.`);
      });
      this.#child.send(job);
      const [result] = (await Promise.race([answered, ended])) as [LoadResult];
      return result;
    } finally {
      watch.abort();
    }
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}
