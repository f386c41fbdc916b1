import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { deferred } from '../../servers/deferred.js';
import type { Answer, Replies, Request } from './messages.js';

const CHILD = fileURLToPath(new URL('child.ts', import.meta.url));

/** Far beyond any healthy answer: a contender that takes longer hangs. */
const PATIENCE_MS = 60_000;
/** Of what it wrote to stderr, kept to tell how it ended. Some write a line a failed call. */
const LAST_WORDS = 4_000;

/** A contender in a process of its own, with the same node flags as this one. */
export class ContenderProcess {
  readonly #child: ChildProcess;
  /** Settles the one request that is under way. */
  #settle: ((answer: Answer) => void) | undefined;
  #ended: string | undefined;
  #lastWords = '';

  constructor() {
    this.#child = fork(CHILD, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], serialization: 'advanced' });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#lastWords = (this.#lastWords + text).slice(-LAST_WORDS);
    });
    this.#child.on('message', (message) => this.#settle?.(message as Answer));
    // Only once what it wrote has been read.
    this.#child.on('close', (code, signal) => {
      const cause = /^\w*Error.*$/m.exec(this.#lastWords)?.[0] ?? 'without a word';
      this.#ended = `its process ended (${signal ?? `code ${String(code)}`}): ${cause}`;
      this.#settle?.({ error: this.#ended });
    });
  }

  /** @throws Error with what the contender threw, or when it ends or hangs. */
  async ask<R extends Request>(request: R): Promise<Replies[R['ask']]> {
    if (this.#ended !== undefined) throw new Error(this.#ended);
    const { promise, resolve } = deferred<Answer>();
    const patience = setTimeout(
      () => resolve({ error: `no answer to "${request.ask}" within ${PATIENCE_MS / 1_000} s` }),
      PATIENCE_MS,
    );
    this.#settle = resolve;
    this.#child.send(request, (error) => {
      if (error) resolve({ error: this.#ended ?? error.message });
    });
    const answer = await promise;
    clearTimeout(patience);
    this.#settle = undefined;
    if ('error' in answer) throw new Error(answer.error);
    return answer.reply as Replies[R['ask']];
  }

  /** Ends the process, whatever state it is in. */
  async end(): Promise<void> {
    if (this.#ended !== undefined) return;
    const closed = once(this.#child, 'close');
    this.#child.kill('SIGKILL');
    await closed;
  }
}
