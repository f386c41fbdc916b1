import type { PreloadFrame } from '../dashboard/frame.js';
import { countText, printable, spanText } from './output/format.js';

const BAR_WIDTH = 20;

/** What one process of the application knows of what is preloaded: a line a pattern. */
export function preloadRows(preloads: readonly PreloadFrame[], now = Date.now()): Array<[string, string]> {
  return preloads.map((preload) => [
    `preload ${printable(preload.name)}`,
    [turnUnderWay(preload), lastTurn(preload, now), nextTurn(preload, now)]
      .filter((text) => text !== '')
      .join(', '),
  ]);
}

function turnUnderWay({ state, written, total }: PreloadFrame): string {
  switch (state) {
    case 'running':
      return total === undefined ? `${countText(written)} so far` : progressBar(written, total);
    case 'elsewhere':
      return 'another process is at it';
    case 'waiting':
      return 'waits for its turn';
    default:
      return '';
  }
}

function progressBar(written: number, total: number): string {
  const share = total === 0 ? 1 : Math.min(1, written / total);
  const full = Math.floor(share * BAR_WIDTH);
  const bar = '█'.repeat(full) + '░'.repeat(BAR_WIDTH - full);
  return `${bar} ${Math.floor(100 * share)}%, ${countText(written)} of ${countText(total)}`;
}

function lastTurn({ lastRunAt, lastDuration, lastWritten, lastError }: PreloadFrame, now: number): string {
  if (lastRunAt === undefined) return 'no turn here yet';
  const ended = `last turn ${spanText(Math.max(0, now - lastRunAt))} ago`;
  if (lastError !== undefined) return `${ended} failed: ${printable(lastError)}`;
  return `${ended}: ${countText(lastWritten)} in ${spanText(lastDuration ?? 0)}`;
}

function nextTurn({ nextTurnAt }: PreloadFrame, now: number): string {
  return nextTurnAt === undefined ? 'stopped' : `next in ${spanText(Math.max(0, nextTurnAt - now))}`;
}
