import { SingleBar } from 'cli-progress';

/** Who wants to know how far a long piece of work is. */
export interface ProgressReport {
  start(total: number): void;
  stage(name: string): void;
  advance(by: number): void;
  /** Gives the terminal back, so it is due on every way out. Harmless when nothing was started. */
  stop(): void;
}

/** A bar on a terminal; elsewhere, such as in a log of CI, a line a stage. */
export function progressReport(stream: NodeJS.WriteStream): ProgressReport {
  return stream.isTTY ? new Bar(stream) : new Lines(stream);
}

class Bar implements ProgressReport {
  readonly #bar: SingleBar;
  #running = false;

  constructor(stream: NodeJS.WriteStream) {
    this.#bar = new SingleBar({
      format: '  {bar} {percentage}%  {value}/{total}  {stage}',
      barCompleteChar: '█',
      barIncompleteChar: '░',
      hideCursor: true,
      stream,
    });
  }

  start(total: number): void {
    this.#running = true;
    this.#bar.start(total, 0, { stage: '' });
  }

  stage(name: string): void {
    this.#bar.update({ stage: name });
  }

  advance(by: number): void {
    this.#bar.increment(by);
  }

  stop(): void {
    if (!this.#running) return;
    this.#running = false;
    this.#bar.stop();
  }
}

class Lines implements ProgressReport {
  readonly #stream: NodeJS.WriteStream;
  #total = 0;
  #done = 0;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  start(total: number): void {
    this.#total = total;
  }

  stage(name: string): void {
    const percentage = Math.floor((this.#done / this.#total) * 100);
    this.#stream.write(`  ${String(percentage).padStart(3)} %  ${name}\n`);
  }

  advance(by: number): void {
    this.#done += by;
  }

  stop(): void {
    if (this.#total > 0 && this.#done >= this.#total) this.#stream.write('  100 %\n');
    this.#total = 0;
  }
}
