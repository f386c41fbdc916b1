import type { Socket } from 'node:net';

/** How slow a way is. */
export interface Slowness {
  /** Milliseconds that each chunk takes in each direction. */
  readonly latency: number;
  /** Milliseconds at most that are added to that at random. */
  readonly jitter: number;
  /** Bytes a second in each direction. */
  readonly bandwidth: number;
}

/** Carries one direction of a connection: in order, whatever each chunk's delay. */
export class FaultyPipe {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #random: () => number;
  readonly #slowness: () => Slowness | undefined;
  readonly #alter: (chunk: Buffer) => Buffer;
  readonly #waiting: Array<{ readonly chunk: Buffer; readonly due: number }> = [];
  /** When the last byte that was taken in leaves. */
  #busyUntil = 0;
  #timer: NodeJS.Timeout | undefined;
  #isHeld = false;
  passes = true;

  /** @param alter - what becomes of each chunk; an empty one is nothing. */
  constructor(
    from: Socket,
    to: Socket,
    random: () => number,
    slowness: () => Slowness | undefined,
    alter: (chunk: Buffer) => Buffer,
  ) {
    this.#from = from;
    this.#to = to;
    this.#random = random;
    this.#slowness = slowness;
    this.#alter = alter;
    from.on('data', (chunk: Buffer) => this.#take(chunk));
  }

  /** Keeps all that comes, in order, until {@link release}. */
  hold(): void {
    this.#isHeld = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#deliver();
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#waiting.length = 0;
    this.passes = false;
  }

  #take(given: Buffer): void {
    if (!this.passes) return;
    const chunk = this.#alter(given);
    const slow = this.#slowness();
    if (!slow && !this.#isHeld && this.#waiting.length === 0) return this.#write(chunk);
    const { latency = 0, jitter = 0, bandwidth = Infinity } = slow ?? {};
    const now = performance.now();
    const arrives = now + latency + this.#random() * jitter;
    this.#busyUntil = Math.max(this.#busyUntil, arrives) + (chunk.length / bandwidth) * 1000;
    this.#waiting.push({ chunk, due: this.#busyUntil });
    if (!this.#isHeld) this.#timer ??= setTimeout(this.#deliver, this.#busyUntil - now);
  }

  readonly #deliver = (): void => {
    this.#timer = undefined;
    const now = performance.now();
    for (let [next] = this.#waiting; next && next.due <= now; [next] = this.#waiting) {
      this.#waiting.shift();
      if (this.passes) this.#write(next.chunk);
    }
    const [next] = this.#waiting;
    if (next) this.#timer = setTimeout(this.#deliver, next.due - now);
  };

  #write(chunk: Buffer): void {
    if (chunk.length === 0 || !this.#to.writable || this.#to.write(chunk)) return;
    // Who does not read must be felt by who writes, or the proxy would hold all there is.
    this.#from.pause();
    this.#to.once('drain', () => this.#from.resume());
  }
}
