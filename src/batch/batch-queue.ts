import type { BatchCall } from './batch-call.js';
import type { BatchTarget } from './batch-types.js';
import { KeyLine, tellDone, tellFailed, type Command } from './key-line.js';

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
  /** Lines with operations that wait for others. */
  #gathering: Array<KeyLine<O>> = [];
  /** How many operations those are. */
  #gathered = 0;
  /** Lines with a command that may go. */
  #sendable: Array<KeyLine<O>> = [];
  #batchesUnderWay = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(settings: BatchQueueSettings<O>) {
    this.#settings = settings;
  }

  add(call: BatchCall<O>): void {
    const line = this.#line(call.operation.key);
    line.add(call);
    // It settles with what is under way, or goes with what is due already.
    if (!line.isWaiting || line.place === 'due') return;
    if (line.place === 'nowhere') {
      line.place = 'gathering';
      this.#gathering.push(line);
    }
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
      line.place = 'due';
      // One with a command under way is sent when that has settled.
      if (!line.isUnderWay) this.#sendable.push(line);
    }
    this.#gathering = [];
    this.#pump();
  }

  #line(key: string): KeyLine<O> {
    let line = this.#lines.get(key);
    if (!line) this.#lines.set(key, (line = new KeyLine(key)));
    return line;
  }

  #pump(): void {
    const { batchSize, concurrency } = this.#settings;
    while (this.#batchesUnderWay < concurrency && this.#sendable.length > 0) {
      this.#sendBatch(this.#sendable.splice(0, batchSize));
    }
  }

  #sendBatch(batch: ReadonlyArray<KeyLine<O>>): void {
    this.#batchesUnderWay++;
    let left = batch.length;
    const oneLess = (): void => {
      if (--left > 0) return;
      this.#batchesUnderWay--;
      this.#pump();
      this.#settings.onBatchSettled();
    };
    for (const line of batch) {
      const command = line.take();
      if (!command) throw new Error('a line is due and has nothing to send');
      if (!line.isWaiting) line.place = 'nowhere';
      // The line is in order before anyone is told: a listener may ask for more of the key.
      this.#send(line.key, command).then(
        (reply) => {
          this.#goOn(line, false);
          tellDone(command, reply);
          oneLess();
        },
        (error: unknown) => {
          this.#goOn(line, true);
          tellFailed(command, error);
          oneLess();
        },
      );
    }
  }

  /** What comes next for a key whose command has settled. */
  #goOn(line: KeyLine<O>, failed: boolean): void {
    line.end(failed);
    if (!line.isWaiting) {
      this.#lines.delete(line.key);
      return;
    }
    // Gets whose write failed were due with it.
    if (line.place === 'nowhere') line.place = 'due';
    if (line.place === 'due') this.#sendable.push(line);
  }

  #send(key: string, command: Command<O>): Promise<unknown> {
    const { target, keep } = this.#settings;
    try {
      if (command.type === 'read') return target.get(key).then(keep);
      const { operation } = command.winner;
      return operation.type === 'set'
        ? target.set(key, operation.value, operation.options)
        : target.delete(key);
    } catch (error) {
      return Promise.reject(error);
    }
  }
}
