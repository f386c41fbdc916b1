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
