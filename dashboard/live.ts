import { useEffect, useState } from 'preact/hooks';
import type { DashboardFrame } from '../src/dashboard/frame.js';
import { momentBetween, remember, type History } from './history.js';

export type Line = 'connecting' | 'live' | 'lost' | 'paused';

export interface Live {
  readonly line: Line;
  readonly frame: DashboardFrame | undefined;
  readonly history: History;
}

/** Milliseconds without a frame after which the line counts as lost, whatever the browser says: a frame a second is due. */
const SILENCE = 5000;

/** The frames as they come. The browser connects again by itself; where it gives up, this does. */
export function useLive(paused: boolean): Live {
  const [live, setLive] = useState<Live>({ line: 'connecting', frame: undefined, history: [] });

  useEffect(() => {
    if (paused) {
      setLive((before) => ({ ...before, line: 'paused' }));
      return undefined;
    }
    let source: EventSource | undefined;
    let silence: ReturnType<typeof setTimeout> | undefined;
    let again: ReturnType<typeof setTimeout> | undefined;

    const lose = (): void => {
      setLive((before) => ({ ...before, line: 'lost' }));
    };
    const expectFrame = (): void => {
      clearTimeout(silence);
      silence = setTimeout(() => {
        lose();
        connect();
      }, SILENCE);
    };
    const connect = (): void => {
      source?.close();
      source = new EventSource('api/events');
      source.addEventListener('frame', (event) => {
        const frame = JSON.parse((event as MessageEvent<string>).data) as DashboardFrame;
        setLive((before) => received(before, frame));
        expectFrame();
      });
      source.addEventListener('error', () => {
        lose();
        if (source?.readyState !== EventSource.CLOSED) return;
        clearTimeout(again);
        again = setTimeout(connect, 3000);
      });
      expectFrame();
    };
    connect();
    return () => {
      clearTimeout(silence);
      clearTimeout(again);
      source?.close();
    };
  }, [paused]);

  return live;
}

function received({ frame: before, history }: Live, frame: DashboardFrame): Live {
  const moment = before && momentBetween(before.snapshot, frame.snapshot);
  const began = before && before.snapshot.since !== frame.snapshot.since;
  return {
    line: 'live',
    frame,
    history: moment ? remember(history, moment) : began ? [] : history,
  };
}
