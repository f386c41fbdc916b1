import type { BatchCall } from './batch-call.js';
import type { BatchTarget } from './batch-types.js';
import { KeyLine, type Command } from './key-line.js';

export interface BatchQueueSettings<O extends object> {
  readonly target: BatchTarget<O>;
  readonly batchSize: number;
  /** Milliseconds. */
  readonly flushInterval: number;
  readonly concurrency: number;
  /** Makes of a value that was read one that several readers may share. */
  readonly keep: (value: unknown) => unknown;
  /** Called when all commands of a batch have settled, and those they made free were sent. */
  readonly onBatchSettled: () => void;
}

/**
 * Keeps operations until they are due, and sends them: all commands of a batch in one turn of the event loop, which is what
 * makes them one pipeline, and at most a few batches at once, so that a deadline that is meant for one is not used up by many.
 */
export class BatchQueue<O extends object> {
  readonly #settings: BatchQueueSettings<O>;
  readonly #lines = new Map<string, KeyLine<O>>();
  /** Lines with operations that are not due yet. */
  #gathering = new Set<KeyLine<O>>();
  /** How many operations those are. */
  #gathered = 0;
  /** Lines with a command that may go. */
  readonly #sendable = new Set<KeyLine<O>>();
  #batchesUnderWay = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(settings: BatchQueueSettings<O>) {
    this.#settings = settings;
  }

  add(call: BatchCall<O>): void {
    const line = this.#line(call.operation.key);
    line.add(call);
    // It settles with what is under way, or goes with what is due already.
    if (!line.isWaiting || line.due) return;
    this.#gathering.add(line);
    if (++this.#gathered >= this.#settings.batchSize) this.flush();
    // This timer keeps the process alive: what it is to send would be lost without a word.
    else this.#timer ??= setTimeout(() => this.flush(), this.#settings.flushInterval);
  }

  /** Makes all that waits due. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#gathered = 0;
    for (const line of this.#gathering) {
      line.due = true;
      if (!line.isUnderWay) this.#sendable.add(line);
    }
    this.#gathering.clear();
    this.#pump();
  }

  #line(key: string): KeyLine<O> {
    let line = this.#lines.get(key);
    if (!line) this.#lines.set(key, (line = new KeyLine(key)));
    return line;
  }

  #pump(): void {
    const { batchSize, concurrency } = this.#settings;
    while (this.#batchesUnderWay < concurrency && this.#sendable.size > 0) {
      const batch: Array<KeyLine<O>> = [];
      for (const line of this.#sendable) {
        if (batch.length === batchSize) break;
        this.#sendable.delete(line);
        batch.push(line);
      }
      void this.#sendBatch(batch);
    }
  }

  /** Never rejects: what fails is told to those who asked for it. */
  async #sendBatch(batch: ReadonlyArray<KeyLine<O>>): Promise<void> {
    this.#batchesUnderWay++;
    await Promise.all(batch.map((line) => this.#sendNext(line)));
    this.#batchesUnderWay--;
    this.#pump();
    this.#settings.onBatchSettled();
  }

  async #sendNext(line: KeyLine<O>): Promise<void> {
    const command = line.take();
    if (!command) return;
    try {
      const reply = await this.#send(line.key, command);
      line.succeeded(reply);
    } catch (error) {
      line.failed(error);
    }
    // Whoever was told may have asked for more of the key by now.
    if (line.isUnderWay) return;
    if (line.due) this.#sendable.add(line);
    else if (!line.isWaiting) this.#lines.delete(line.key);
  }

  async #send(key: string, command: Command<O>): Promise<unknown> {
    const { target, keep } = this.#settings;
    if (command.type === 'get') return keep(await target.get(key));
    const { operation } = command.write.winner;
    return operation.type === 'set'
      ? target.set(key, operation.value, operation.options)
      : target.delete(key);
  }
}
