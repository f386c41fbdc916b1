import { describe, expect, it } from 'vitest';
import { OUTSIDE, type Fault, type Load, type Read, type Write } from '../../../chaos/history.js';
import { KEY, load, promisesBroken, read, write } from './told.js';

const slow = (begin: number, end: number, key = KEY): Read => ({ ...read('start', begin, 1, key), end });
const broken = (one: Read | Write, told: Parameters<typeof promisesBroken>[0] = {}): string[] =>
  promisesBroken({ key: one.key, ...('ok' in one ? { writes: [one] } : { reads: [one as Read] }), ...told });
const late = ['P4'];

describe('the checker, of deadlines of reads', () => {
  it('takes a deadline and 50 ms, and no more', () => {
    expect(broken(slow(100, 395))).toEqual([]);
    expect(broken(slow(100, 405))).toEqual(late);
  });

  it('finds no excuse in a fault', () => {
    const freeze: Fault = { name: 'redis freeze', begin: 0, end: 3000 };
    expect(broken(slow(100, 405), { faults: [freeze], unready: [[1, 0, 3000]] })).toEqual(late);
  });

  it('leaves out the load that it waits for', () => {
    expect(broken(slow(100, 1390), { loads: [load(1, 390, 1390)] })).toEqual([]);
    expect(broken(slow(100, 1450), { loads: [load(1, 440, 1440)] })).toEqual(late);
  });

  it('leaves out the load of somebody else, behind which it may ask again, and no other key’s', () => {
    expect(broken(slow(100, 1600), { loads: [load(0, 50, 1060)] })).toEqual([]);
    expect(broken(slow(100, 1700), { loads: [load(0, 50, 1060)] })).toEqual(late);
    expect(broken(slow(100, 1060), { loads: [{ ...load(0, 50, 1060), key: 'aside:2' }] })).toEqual(late);
  });

  it('lets a lease run out whose holder died, or whose link was not well, and nobody else’s', () => {
    const cutOff: Load = { worker: 0, life: 0, key: KEY, begin: 50 };
    const deaths = new Map([['0.0', 100]]);
    expect(broken(slow(110, 1590), { loads: [cutOff], deaths })).toEqual([]);
    expect(broken(slow(110, 1700), { loads: [cutOff], deaths })).toEqual(late);

    const loads = [load(0, 50, 150)];
    const cut: Fault = { name: 'cut', begin: 40, end: 200, worker: 0 };
    expect(broken(slow(110, 1500), { loads, faults: [cut] })).toEqual([]);
    expect(broken(slow(110, 2000), { loads, faults: [cut] })).toEqual(late);
    expect(broken(slow(110, 1500), { loads, faults: [{ ...cut, worker: 2 }] })).toEqual(late);
  });

  it('lets a lease run out whose holder was held up before its load began, and nobody else’s', () => {
    const stalls = new Map([[0, [{ begin: 100, end: 2500 }]]]);
    const loads = [load(0, 2510, 2550)];
    expect(broken(slow(110, 1590), { loads, stalls })).toEqual([]);
    expect(broken(slow(110, 1700), { loads, stalls })).toEqual(late);
    expect(broken(slow(110, 1590), { loads: [load(2, 2510, 2550)], stalls })).toEqual(late);
    expect(broken(slow(110, 1590), { loads: [load(0, 4000, 4050)], stalls })).toEqual(late);
  });

  it('waits for a write through as for a load', () => {
    const key = 'through:1';
    const through = write('a', 100, 1100, { key, saving: { begin: 110, end: 1090 } });
    const told = { key, reads: [slow(105, 1150, key)] };
    expect(promisesBroken({ ...told, writes: [through] })).toEqual([]);
    expect(promisesBroken({ ...told, writes: [{ ...through, worker: OUTSIDE }] })).toEqual(late);
  });

  it('leaves out what its process, or the machine, was held up for, and nobody else', () => {
    const held = [{ begin: 200, end: 1200 }];
    expect(broken(slow(100, 1390), { stalls: new Map([[1, held]]) })).toEqual([]);
    expect(broken(slow(100, 1390), { stalls: new Map([[OUTSIDE, held]]) })).toEqual([]);
    expect(broken(slow(100, 1390), { stalls: new Map([[0, held]]) })).toEqual(late);
    expect(broken(slow(100, 1410), { stalls: new Map([[1, held]]) })).toEqual(late);
  });

  it('counts what happens twice at once only once', () => {
    const stalls = new Map([[1, [{ begin: 300, end: 600 }]]]);
    expect(broken(slow(100, 1000), { loads: [load(1, 350, 650)], stalls })).toEqual(late);
  });

  it('lets the records of tags have their deadlines, and the queue of writes behind its', () => {
    expect(broken(slow(100, 890, 'tagged:1'))).toEqual([]);
    expect(broken(slow(100, 910, 'tagged:1'))).toEqual(late);
    expect(broken(slow(100, 640, 'behind:1'))).toEqual([]);
    expect(broken(slow(100, 660, 'behind:1'))).toEqual(late);
  });
});

describe('the checker, of deadlines of writes', () => {
  it('takes the time of the save, a deadline for each step, and 50 ms', () => {
    const saving = { begin: 100, end: 600 };
    expect(broken(write('a', 100, 890, { saving }))).toEqual([]);
    expect(broken(write('a', 100, 910, { saving }))).toEqual(late);
    const steps = [
      ['around:1', 1],
      ['through:1', 3],
      ['tagged:1', 2],
      ['behind:1', 2],
    ] as const;
    for (const [key, deadlines] of steps) {
      const limit = 150 + deadlines * 250;
      const told = { applied: ['a'] };
      expect(broken(write('a', 100, limit - 10, { key }), told)).toEqual([]);
      expect(broken(write('a', 100, limit + 10, { key }), told)).toEqual(late);
    }
  });

  it('holds one that was refused to the same', () => {
    expect(broken(write('a', 100, 450, { ok: false, error: 'away' }))).toEqual(late);
  });

  it('leaves out what its process was held up for, and what is outside of workers', () => {
    const stalls = new Map([[0, [{ begin: 150, end: 1150 }]]]);
    expect(broken(write('a', 100, 1350), { stalls })).toEqual([]);
    expect(broken(write('a', 100, 1350, { worker: OUTSIDE }))).toEqual([]);
  });
});
