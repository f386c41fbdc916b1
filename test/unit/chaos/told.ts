import { check } from '../../../chaos/check/check.js';
import type { Bounds, Fault, History, Load, Read, Write } from '../../../chaos/history.js';

const BOUNDS: Bounds = {
  hop: 50,
  maxStaleWhenDisconnected: 1000,
  ttl: 4000,
  aheadTtl: 700,
  lease: 1000,
  commandTimeout: 250,
  margin: 100,
};
export const KEY = 'aside:1';

export const write = (
  token: string,
  begin: number,
  end: number | undefined,
  more: Partial<Write> = {},
): Write => ({
  worker: 0,
  life: 0,
  key: KEY,
  token,
  begin,
  ...(end !== undefined && { end, ok: true }),
  ...more,
});
export const read = (token: string, begin: number, worker = 1, key = KEY): Read => ({
  worker,
  life: 0,
  key,
  token,
  begin,
  end: begin + 5,
});
export const load = (worker: number, begin: number, end: number): Load => ({
  worker,
  life: 0,
  key: KEY,
  begin,
  end,
});

/** What a made-up history is made of; what is left out never was. */
export interface Told {
  readonly writes?: readonly Write[];
  readonly reads?: readonly Read[];
  readonly loads?: readonly Load[];
  readonly faults?: readonly Fault[];
  readonly unready?: ReadonlyArray<readonly [worker: number, begin: number, end: number]>;
  readonly stalls?: History['stalls'];
  readonly refused?: History['refused'];
  readonly failed?: History['failed'];
  readonly served?: History['served'];
  readonly deaths?: History['deaths'];
  readonly applied?: readonly string[];
  readonly key?: string;
  readonly failsOver?: boolean;
}

/** The promises that the checker holds to be broken. */
export function promisesBroken(told: Told): string[] {
  const { writes = [], unready = [], applied = [], key = KEY } = told;
  const of = (worker: number): Array<{ begin: number; end: number }> =>
    unready.filter(([who]) => who === worker).map(([, begin, end]) => ({ begin, end }));
  const history: History = {
    writes,
    reads: told.reads ?? [],
    loads: told.loads ?? [],
    faults: told.faults ?? [],
    stalls: told.stalls ?? new Map(),
    unready: new Map([0, 1, 2].map((worker) => [worker, of(worker)])),
    refused: told.refused ?? new Map(),
    failed: told.failed ?? new Map(),
    served: told.served ?? new Map(),
    deaths: told.deaths ?? new Map(),
    order: new Map([[key, ['start', ...writes.map(({ token }) => token)]]]),
    applied: new Map(applied.map((token) => [token, 0])),
    failsOver: told.failsOver ?? false,
    end: Infinity,
  };
  return check(history, BOUNDS).violations.map(({ promise }) => promise);
}
