import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import type { History, Moment } from '../history.js';

export interface Series {
  readonly name: string;
  /** A custom property of the style sheet. */
  readonly color: string;
  readonly of: (moment: Moment) => number | undefined;
}

export interface ChartProps {
  readonly title: string;
  readonly history: History;
  readonly series: readonly Series[];
  readonly format: (value: number | undefined) => string;
  /** For the axis, where round numbers stand. Default `format`. */
  readonly axisFormat?: (value: number) => string;
  /** Areas on top of each other: the series are parts of a whole. */
  readonly stacked?: boolean;
  /** The whole, where it is known: 1 for ratios. */
  readonly max?: number;
  /** Stands beside the title. */
  readonly children?: preact.ComponentChildren;
}

const HEIGHT = 190;
/** Seconds that the axis shows at least, so that the first moments do not stretch over all of it. */
const SHORTEST = 60;

/** Lines over time. What they show last stands as text above them, which is what a screen reader gets. */
export function Chart(props: ChartProps) {
  const { title, history, series, format, axisFormat = format, stacked = false, max, children } = props;
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const latest = history.at(-1);
  const names = series.map(({ name }) => name).join();

  useEffect(() => {
    const element = place.current;
    if (!element) return undefined;
    const make = (): void => {
      plot.current?.destroy();
      plot.current = new uPlot(
        options(element.clientWidth, series, axisFormat, stacked, max),
        dataOf(history, series, stacked),
        element,
      );
    };
    make();
    const resized = new ResizeObserver(() => {
      plot.current?.setSize({ width: element.clientWidth, height: HEIGHT });
    });
    resized.observe(element);
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', make);
    return () => {
      resized.disconnect();
      scheme.removeEventListener('change', make);
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, [names, stacked]);

  useEffect(() => {
    plot.current?.setData(dataOf(history, series, stacked));
  }, [history, series]);

  return (
    <figure class="card chart">
      <figcaption>
        <h3>{title}</h3>
        {children}
        <ul class="legend">
          {series.map(({ name, color, of }) => (
            <li key={name}>
              <i style={{ background: `var(${color})` }} aria-hidden="true" />
              {name} <b>{format(latest && of(latest))}</b>
            </li>
          ))}
        </ul>
      </figcaption>
      <div class="plot" ref={place} aria-hidden="true">
        {history.length < 2 && <p class="empty over">Collecting: one point a second.</p>}
      </div>
    </figure>
  );
}

function dataOf(history: History, series: readonly Series[], stacked: boolean): uPlot.AlignedData {
  const times = history.map(({ at }) => at);
  const values = series.map(({ of }) => history.map((moment) => of(moment) ?? null));
  if (!stacked) return [times, ...values];
  // From the bottom up: the last series is drawn on the ones before it. uPlot paints in order, so the tallest goes first.
  const sums = values.map((_own, i) =>
    times.map((_time, t) => values.slice(0, i + 1).reduce((sum, own) => sum + (own[t] ?? 0), 0)),
  );
  return [times, ...sums.toReversed()];
}

function options(
  width: number,
  series: readonly Series[],
  axisFormat: (value: number) => string,
  stacked: boolean,
  max: number | undefined,
): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const color = (name: string): string => style.getPropertyValue(name).trim();
  const axis = {
    stroke: color('--quiet'),
    font: '11px system-ui, sans-serif',
    grid: { stroke: color('--line'), width: 1 },
    ticks: { show: false },
  };
  const drawn = stacked ? series.toReversed() : series;
  return {
    width,
    height: HEIGHT,
    padding: [10, 26, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: {
        time: true,
        range: (_, from, to) => [Math.min(from ?? 0, (to ?? 0) - SHORTEST), to ?? 0],
      },
      y: { range: (_, __, highest) => [0, max ?? niceAbove(highest)] },
    },
    axes: [
      { ...axis, values: (_, ticks) => ticks.map(timeOfDay), space: 76, size: 28 },
      { ...axis, values: (_, ticks) => ticks.map(axisFormat), space: 36, size: 58 },
    ],
    series: [
      {},
      ...drawn.map((one): uPlot.Series => ({
        stroke: color(one.color),
        width: stacked ? 1 : 1.75,
        points: { show: false },
        ...(stacked && { fill: color(one.color) }),
        spanGaps: false,
      })),
    ],
  };
}

function timeOfDay(seconds: number): string {
  return new Date(seconds * 1000).toLocaleTimeString('en-GB');
}

/** Where nothing happened the axis has some height all the same. */
function niceAbove(highest: number | null): number {
  return highest === null || highest <= 0 ? 1 : highest * 1.12;
}
