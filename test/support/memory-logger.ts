import { inspect } from 'node:util';
import type { Logger } from 'tiercel';

/** Keeps what it is told, with the details as `console.log` would print them. */
export class MemoryLogger implements Logger {
  readonly lines: string[] = [];

  debug = this.#keep('debug');
  info = this.#keep('info');
  warn = this.#keep('warn');
  error = this.#keep('error');

  get text(): string {
    return this.lines.join('\n');
  }

  #keep(level: string): Logger['info'] {
    return (message, details) => {
      this.lines.push(`${level} ${message} ${inspect(details, { depth: 10, showHidden: true })}`);
    };
  }
}
