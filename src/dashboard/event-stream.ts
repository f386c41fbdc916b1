import { Refusal } from './exchange.js';
import type { Frames } from './frame.js';

const INTERVAL = 1000;
/** Pages that may be open at once, in all: each gets the whole snapshot every second. */
const MOST_STREAMS = 32;

type Stream = ReadableStreamDefaultController<Uint8Array>;

/**
 * Server-sent events: a frame a second to every page that is open, made once for all of them, and none where no page is.
 *
 * A page that does not keep up misses frames, rather than have them pile up here. The frames are the heartbeat.
 */
export class EventStreams {
  readonly #frames: Frames;
  readonly #isOver: () => boolean;
  readonly #streams = new Set<Stream>();
  readonly #encoder = new TextEncoder();
  #timer: NodeJS.Timeout | undefined;

  constructor(frames: Frames, isOver: () => boolean) {
    this.#frames = frames;
    this.#isOver = isOver;
  }

  /** @throws Refusal where too many are open. */
  open(): ReadableStream<Uint8Array> {
    if (this.#streams.size >= MOST_STREAMS) throw new Refusal(503, 'Too many pages are open.');
    let opened: Stream;
    return new ReadableStream<Uint8Array>(
      {
        start: async (stream) => {
          opened = stream;
          this.#streams.add(stream);
          this.#timer ??= setInterval(() => this.#tick(), INTERVAL).unref();
          // Where a line is lost, the browser tries again after so many milliseconds.
          stream.enqueue(this.#encoder.encode('retry: 2000\n\n'));
          const first = await this.#frames.first();
          if (this.#streams.has(stream)) stream.enqueue(this.#encoded(first));
        },
        cancel: () => this.#remove(opened),
      },
      { highWaterMark: 4 },
    );
  }

  #tick(): void {
    if (this.#isOver()) {
      for (const stream of this.#streams) {
        this.#remove(stream);
        stream.close();
      }
      return;
    }
    const event = this.#encoded(this.#frames.next());
    for (const stream of this.#streams) {
      if ((stream.desiredSize ?? 0) > 0) stream.enqueue(event);
    }
  }

  #remove(stream: Stream): void {
    this.#streams.delete(stream);
    if (this.#streams.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #encoded(frame: unknown): Uint8Array {
    return this.#encoder.encode(`event: frame\ndata: ${JSON.stringify(frame)}\n\n`);
  }
}
