import { openSync, writeSync } from 'node:fs';
import type { Life } from '../history.js';

/** A line of the log: what happened, then what belongs to it. Read again by `readLog`. */
export type LogLine =
  | readonly ['write', key: string, token: string, begin: number]
  | readonly ['written', token: string, end: number, ok: boolean, error: string | null]
  | readonly ['saved', token: string, begin: number, end: number, ok: boolean]
  | readonly ['read', key: string, begin: number, end: number, token: string | null, error: string | null]
  | readonly ['load', number: number, key: string, begin: number]
  | readonly ['loaded', number: number, end: number, error: string | null]
  | readonly ['stalled' | 'refused' | 'failed', begin: number, end: number]
  | readonly ['unready' | 'ready' | 'served', at: number]
  | readonly ['applied', token: string, at: number];

/** Written through to the system, so that it outlives a SIGKILL. */
export class WorkerLog {
  readonly #file: number;
  readonly #life: Life;
  #waiting: string[] = [];

  constructor(path: string, { worker, life }: Life) {
    this.#file = openSync(path, 'a');
    this.#life = { worker, life };
    setInterval(() => this.flush(), 20).unref();
  }

  /** Kept for a moment, since what is lost of reads and loads with the process only makes the check milder. */
  add(line: LogLine): void {
    this.#waiting.push(JSON.stringify(line));
  }

  /** On file when this returns: what changes the truth must be known before it does. */
  addNow(line: LogLine): void {
    this.add(line);
    this.flush();
  }

  flush(): void {
    if (this.#waiting.length === 0) return;
    const lines = this.#waiting;
    this.#waiting = [];
    writeSync(this.#file, lines.map((line) => `${this.#life.life} ${line}\n`).join(''));
  }
}
