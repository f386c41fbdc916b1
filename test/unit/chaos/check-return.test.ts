import { describe, expect, it } from 'vitest';
import { OUTSIDE, type Fault, type Span } from '../../../chaos/history.js';
import { load, promisesBroken } from './told.js';

const kill: Fault = { name: 'redis kill', begin: 500, end: 1000 };
const loads = [1100, 1300, 1500, 1700].map((at) => load(1, at, at + 20));
const late = ['return'];

describe('the checker, of service from Redis after it was away', () => {
  const told = { faults: [kill], loads };
  const servedAt = (...at: number[]): Map<number, number[]> => new Map([[1, at]]);

  it('takes a second until a process is served again, and no more', () => {
    expect(promisesBroken({ ...told, served: servedAt(400, 1990) })).toEqual([]);
    expect(promisesBroken({ ...told, served: servedAt(400, 2010) })).toEqual(late);
    expect(promisesBroken({ ...told, served: servedAt(400) })).toEqual(late);
  });

  it('holds one not to be served that Redis fails again and again', () => {
    const ticks = (begin: number, end: number, every: number): Array<{ begin: number; end: number }> =>
      Array.from({ length: Math.ceil((end - begin) / every) }, (_, i) => ({
        begin: begin + i * every,
        end: begin + i * every + 10,
      }));
    const served = servedAt(...Array.from({ length: 60 }, (_, i) => 1010 + i * 50));
    expect(promisesBroken({ ...told, served, failed: new Map([[1, ticks(1000, 1900, 200)]]) })).toEqual([]);
    expect(promisesBroken({ ...told, served, failed: new Map([[1, ticks(1000, 2400, 200)]]) })).toEqual(late);
    expect(promisesBroken({ ...told, served, failed: new Map([[1, ticks(1000, 2400, 400)]]) })).toEqual([]);
    expect(promisesBroken({ ...told, served, failed: new Map([[0, ticks(1000, 2400, 200)]]) })).toEqual([]);
  });

  it('holds each process to it, and of what was between one and a server, that one', () => {
    const served = new Map([...servedAt(1010), [2, [2010]]]);
    const both = [
      ...loads,
      ...loads.map((one) => ({ ...one, worker: 2, begin: one.begin + 50, end: one.begin + 60 })),
    ];
    expect(promisesBroken({ ...told, loads: both, served })).toEqual(late);
    const cut: Fault = { ...kill, name: 'cut', worker: 1 };
    expect(promisesBroken({ faults: [cut], loads: both, served })).toEqual([]);
    expect(promisesBroken({ faults: [{ ...cut, worker: 2 }], loads: both, served })).toEqual(late);
  });

  it('counts from when others could be served, where something was put in the place of the server', () => {
    const takeover: Fault = { name: 'takeover', begin: 500, back: 1000, end: 3000 };
    expect(promisesBroken({ ...told, faults: [takeover], served: servedAt(2010) })).toEqual(late);
    expect(promisesBroken({ ...told, faults: [takeover], served: servedAt(1990) })).toEqual([]);
  });

  it('leaves out what the process, or the machine, was held up for', () => {
    const held: Span[] = [{ begin: 1000, end: 1200 }];
    const slow = { ...told, served: servedAt(2100) };
    expect(promisesBroken({ ...slow, stalls: new Map([[1, held]]) })).toEqual([]);
    expect(promisesBroken({ ...slow, stalls: new Map([[OUTSIDE, held]]) })).toEqual([]);
    expect(promisesBroken({ ...slow, stalls: new Map([[0, held]]) })).toEqual(late);
  });

  it('expects nothing of one that asks for nothing, or is not there, or for which Redis is away again', () => {
    expect(promisesBroken({ faults: [kill], served: servedAt() })).toEqual([]);
    const deaths = new Map([['1.0', 1900]]);
    expect(promisesBroken({ ...told, deaths, served: servedAt(2010) })).toEqual([]);
    const cut: Fault = { name: 'cut', begin: 1900, end: 5000, worker: 1 };
    expect(promisesBroken({ ...told, faults: [kill, cut], served: servedAt(5010) })).toEqual([]);
    expect(
      promisesBroken({ ...told, faults: [kill, { ...cut, worker: 2 }], served: servedAt(5010) }),
    ).toEqual(late);
  });

  it('expects it behind no fault that leaves Redis where it is', () => {
    expect(promisesBroken({ ...told, faults: [{ ...kill, name: 'worker stop', worker: 1 }] })).toEqual([]);
  });
});
