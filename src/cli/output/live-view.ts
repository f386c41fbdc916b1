import { emitKeypressEvents } from 'node:readline';
import type { Terminal } from '../terminal.js';

const HIDE_CURSOR = '\u001B[?25l';
const SHOW_CURSOR = '\u001B[?25h';
/** Home, then what is below is cleared: a screen that is cleared first flickers. */
const HOME = '\u001B[H';
const CLEAR_LINE = '\u001B[K';
const CLEAR_BELOW = '\u001B[J';
const CLEAR_ALL = '\u001B[2J';

interface Key {
  readonly name?: string;
  readonly ctrl?: boolean;
}

/**
 * Draws a frame again and again over the last one, until somebody presses q or Ctrl-C, or the process is told to end.
 *
 * @param frame - what to draw; it is given a signal that tells of the end.
 */
export async function liveView(
  { stdin, stdout }: Terminal,
  frame: (ended: AbortSignal) => Promise<string>,
): Promise<void> {
  const ending = new AbortController();
  const end = (): void => ending.abort();
  const pressed = (_: unknown, { name, ctrl }: Key): void => {
    if (name === 'q' || (ctrl && (name === 'c' || name === 'd'))) end();
  };
  if (stdin.isTTY) {
    emitKeypressEvents(stdin);
    // Without it keys come line by line, and are echoed into the picture.
    stdin.setRawMode?.(true);
    stdin.on('keypress', pressed);
    stdin.resume();
  }
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
  stdout.write(HIDE_CURSOR + CLEAR_ALL);
  try {
    while (!ending.signal.aborted) {
      const text = await frame(ending.signal);
      if (ending.signal.aborted) break;
      // A line that is broken by the terminal would shift all that is below it.
      const lines = text.split('\n').map((line) => line.slice(0, stdout.columns ?? Infinity));
      stdout.write(HOME + lines.map((line) => `${line}${CLEAR_LINE}\n`).join('') + CLEAR_BELOW);
    }
  } finally {
    stdout.write(SHOW_CURSOR);
    process.off('SIGINT', end);
    process.off('SIGTERM', end);
    stdin.off('keypress', pressed);
    if (stdin.isTTY) {
      stdin.setRawMode?.(false);
      stdin.pause();
    }
  }
}
