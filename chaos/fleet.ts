import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { lifeName, machineNow } from './history.js';
import type { WorkerAnswer, WorkerCommand, WorkerOrder } from './worker/order.js';

const MAIN = fileURLToPath(new URL('worker/main.ts', import.meta.url));
const PATIENCE = 30_000;

/** The processes with a cache each. One that is killed is followed by another in its place. */
export class Fleet {
  readonly #orders: WorkerOrder[];
  readonly #children: ChildProcess[] = [];
  /** When each life ended that was ended. */
  readonly deaths = new Map<string, number>();

  constructor(orders: readonly WorkerOrder[]) {
    this.#orders = [...orders];
  }

  async start(): Promise<void> {
    await Promise.all(this.#orders.map((_, worker) => this.#launch(worker)));
  }

  /** SIGKILL. */
  async kill(worker: number): Promise<void> {
    const child = this.#child(worker);
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    this.deaths.set(lifeName(this.#order(worker)), machineNow());
  }

  /** Another process in the place of one that was killed. */
  async replace(worker: number): Promise<void> {
    const before = this.#order(worker);
    this.#orders[worker] = { ...before, life: before.life + 1, seed: before.seed + 7919 };
    await this.#launch(worker);
  }

  signal(worker: number, signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child(worker).kill(signal);
  }

  /** Resolves when all have done it. @throws Error when one has not within 30 s. */
  async tell(command: WorkerCommand): Promise<void> {
    await Promise.all(
      this.#children.map(async (child, worker) => {
        const done = answerOf(child, command, worker);
        child.send(command);
        await done;
      }),
    );
  }

  stop(): void {
    for (const child of this.#children) child.kill('SIGKILL');
  }

  async #launch(worker: number): Promise<void> {
    const order = JSON.stringify(this.#order(worker));
    const child = fork(MAIN, [order], { execArgv: ['--conditions=@tiercel/source', '--import', 'tsx'] });
    this.#children[worker] = child;
    await answerOf(child, 'ready', worker);
  }

  #order(worker: number): WorkerOrder {
    const order = this.#orders[worker];
    if (!order) throw new Error(`there is no worker ${worker}`);
    return order;
  }

  #child(worker: number): ChildProcess {
    const child = this.#children[worker];
    if (!child) throw new Error(`there is no worker ${worker}`);
    return child;
  }
}

function answerOf(child: ChildProcess, wanted: WorkerAnswer, worker: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const patience = setTimeout(
      () => reject(new Error(`worker ${worker} did not ${wanted} within ${PATIENCE} ms`)),
      PATIENCE,
    );
    const ended = (code: number | null): void => {
      clearTimeout(patience);
      reject(new Error(`worker ${worker} ended with ${code} before it could ${wanted}`));
    };
    const listen = (answer: WorkerAnswer): void => {
      if (answer !== wanted) return;
      clearTimeout(patience);
      child.off('message', listen);
      child.off('exit', ended);
      resolve();
    };
    child.on('message', listen);
    child.once('exit', ended);
  });
}
