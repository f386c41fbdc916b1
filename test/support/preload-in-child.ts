import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { eventually } from './eventually.js';

/** How a child preloads. */
export interface PreloadOrder {
  readonly namespace: string;
  readonly schedule: number | string;
  /** Milliseconds. */
  readonly lease: number;
  /** Milliseconds that a load takes; left out, it takes until {@link PreloadChild.finish}. */
  readonly takes?: number;
}

export type PreloadEvent =
  | { readonly kind: 'begins'; readonly turn: number }
  /** Another process runs the turn. */
  | { readonly kind: 'waits' };

/** A process of its own that preloads one entry, `post:1`, with its process id. */
export class PreloadChild implements AsyncDisposable {
  readonly #process: ChildProcess;
  /** Those that it has begun. */
  readonly turns: number[] = [];
  #waits = false;

  constructor(redisUrl: string, order: PreloadOrder) {
    const program = fileURLToPath(new URL('preload-child.ts', import.meta.url));
    this.#process = fork(program, [redisUrl, JSON.stringify(order)], {
      execArgv: ['--conditions=@tiercel/source', '--import', 'tsx'],
    });
    this.#process.on('message', (event: PreloadEvent) => {
      if (event.kind === 'begins') this.turns.push(event.turn);
      else this.#waits = true;
    });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  async untilItRuns(): Promise<void> {
    await eventually('a turn that runs', () => this.turns.length > 0, 10_000);
  }

  async untilItWaits(): Promise<void> {
    await eventually('a turn that runs elsewhere', () => this.#waits, 10_000);
  }

  async untilItTakesPart(): Promise<void> {
    await eventually('a turn, here or elsewhere', () => this.turns.length > 0 || this.#waits, 10_000);
  }

  /** Lets the load that is under way end. */
  finish(): void {
    this.#process.send('finish');
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
  }
}
