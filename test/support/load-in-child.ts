import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { EntryOptions } from 'tiercel';

/** What a child is to do: so many callers at once ask for the key, whose load takes so many milliseconds. */
export interface ChildOrder {
  readonly key: string;
  readonly callers: number;
  readonly takes: number;
  readonly options?: EntryOptions;
  /** The name of one of `strategies`, where they ask for a row by it; the key is then the row's id. */
  readonly strategy?: string;
  /** Read through a resource, `row`, that is refreshed so. */
  readonly refresh?: 'ahead';
}

/** When a load ran, in milliseconds since the epoch. */
export type LoadSpan = readonly [began: number, ended: number];

export interface ChildReport {
  /** Loads that ran in this process. */
  readonly loads: number;
  /** How long each call took, in milliseconds. */
  readonly times: readonly number[];
  /** The different values that callers got. */
  readonly values: readonly unknown[];
}

/** A process of its own with a cache over the same Redis and namespace as its siblings. */
export class CacheChild implements AsyncDisposable {
  readonly #process: ChildProcess;
  /** Loads that have begun in it so far. */
  begun = 0;
  /** Loads that have ended in it so far, those behind its callers' backs too. */
  readonly spans: LoadSpan[] = [];

  private constructor(child: ChildProcess) {
    this.#process = child;
    child.on('message', (message: object) => {
      if ('began' in message) this.begun++;
      if ('span' in message) this.spans.push(message.span as LoadSpan);
    });
  }

  /** @param way - the name of one of `waysToHear`. */
  static async start(redisUrl: string, way: string, namespace = 'fleet'): Promise<CacheChild> {
    const child = fork(fileURLToPath(new URL('load-child.ts', import.meta.url)), [redisUrl, way, namespace], {
      execArgv: ['--conditions=@tiercel/source', '--import', 'tsx'],
    });
    const started = new CacheChild(child);
    await started.#message((message) => 'ready' in message);
    return started;
  }

  async do(order: ChildOrder): Promise<ChildReport> {
    const report = this.#message((message) => 'times' in message);
    this.#process.send(order);
    return (await report) as ChildReport;
  }

  /** Gives the order and resolves when the load has begun. */
  async begin(order: ChildOrder): Promise<void> {
    const began = this.#message((message) => 'began' in message);
    this.#process.send(order);
    await began;
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
  }

  #message(is: (message: object) => boolean): Promise<object> {
    return new Promise((resolve, reject) => {
      const end = (): void => reject(new Error('the child ended'));
      const look = (message: object): void => {
        if (!is(message)) return;
        this.#process.off('message', look);
        this.#process.off('exit', end);
        resolve(message);
      };
      this.#process.on('message', look);
      this.#process.once('exit', end);
    });
  }
}
