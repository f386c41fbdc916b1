import { describe, expect, it } from 'vitest';
import { OUTSIDE, type Fault, type Read } from '../../../chaos/history.js';
import { KEY, load, promisesBroken, read, write } from './told.js';

describe('the checker, when all is well', () => {
  const writes = [write('a', 100, 110), write('b', 200, 210)];

  it('takes what is current, or was within a hop', () => {
    const reads = [
      read('start', 50),
      read('start', 105),
      read('a', 150),
      read('a', 205),
      read('a', 255),
      read('b', 300),
    ];
    expect(promisesBroken({ writes, reads })).toEqual([]);
  });

  it('takes no value that was replaced more than a hop before it was asked for', () => {
    expect(promisesBroken({ writes, reads: [read('a', 270)] })).toEqual(['P2-P3']);
    expect(promisesBroken({ writes, reads: [read('start', 300)] })).toEqual(['P2-P3']);
  });

  it('takes no value that nobody wrote, or not yet', () => {
    expect(promisesBroken({ writes, reads: [read('other', 300)] })).toEqual(['unwritten']);
    expect(promisesBroken({ writes, reads: [read('b', 150)] })).toEqual(['unwritten']);
  });

  it('has a process know its own writes at once', () => {
    expect(promisesBroken({ writes, reads: [read('a', 211, 0)] })).toEqual(['own write']);
    expect(promisesBroken({ writes, reads: [read('a', 211, 1)] })).toEqual([]);
  });

  it('leaves out the time in which the reader did not run', () => {
    const stalls = new Map([[1, [{ begin: 215, end: 300 }]]]);
    expect(promisesBroken({ writes, reads: [read('a', 301)], stalls })).toEqual([]);
    expect(promisesBroken({ writes, reads: [read('a', 370)], stalls })).toEqual(['P2-P3']);
  });

  it('takes no read that fails, but with the error of its own load', () => {
    const failed: Read = { worker: 1, life: 0, key: KEY, begin: 1, end: 20, error: 'away' };
    expect(promisesBroken({ writes, reads: [failed] })).toEqual(['P5']);
    const own = { ...load(1, 5, 19), error: 'away' };
    expect(promisesBroken({ writes, reads: [failed], loads: [own] })).toEqual([]);
    for (const other of [
      { error: 'other' },
      { worker: 0 },
      { life: 1 },
      { key: 'aside:2' },
      { begin: 30, end: 40 },
    ]) {
      expect(promisesBroken({ writes, reads: [failed], loads: [{ ...own, ...other }] })).toEqual(['P5']);
    }
  });

  it('lets what the database failed come late, until the old value is over', () => {
    const doubtful = [write('a', 100, 110, { ok: false, saveFailed: true })];
    expect(promisesBroken({ writes: doubtful, reads: [read('start', 4150), read('start', 130, 0)] })).toEqual(
      [],
    );
    expect(promisesBroken({ writes: doubtful, reads: [read('start', 4300)] })).toEqual(['P2-P3']);
    const key = 'ahead:1';
    const ahead = [write('a', 100, 110, { key, ok: false, saveFailed: true })];
    expect(promisesBroken({ key, writes: ahead, reads: [read('start', 850, 1, key)] })).toEqual([]);
    expect(promisesBroken({ key, writes: ahead, reads: [read('start', 950, 1, key)] })).toEqual(['P2-P3']);
  });
});

describe('the checker, under faults', () => {
  const cut: Fault = { name: 'cut', begin: 1000, end: 5000, worker: 1 };

  it('takes copies for as long as they are trusted without a link, and no longer', () => {
    const writes = [write('a', 2000, 2010)];
    expect(promisesBroken({ writes, faults: [cut], reads: [read('start', 3000)] })).toEqual([]);
    expect(promisesBroken({ writes, faults: [cut], reads: [read('start', 3100)] })).toEqual(['P2-P3']);
  });

  it('takes no old copy over a new connection', () => {
    const short: Fault = { ...cut, end: 1200 };
    const writes = [write('a', 1100, 1110)];
    expect(promisesBroken({ writes, faults: [short], reads: [read('start', 1320)] })).toEqual([]);
    expect(promisesBroken({ writes, faults: [short], reads: [read('start', 1400)] })).toEqual(['P2-P3']);
  });

  it('holds those whose link is well to a hop', () => {
    const writes = [write('a', 2000, 2010)];
    expect(promisesBroken({ writes, faults: [cut], reads: [read('start', 2100, 2)] })).toEqual(['P2-P3']);
  });

  it('lets an invalidation come late that could not be told, and no later than the link is well', () => {
    const writes = [write('a', 2000, 2010, { worker: 1, ok: false })];
    expect(promisesBroken({ writes, faults: [cut], reads: [read('start', 5100, 2)] })).toEqual([]);
    expect(promisesBroken({ writes, faults: [cut], reads: [read('start', 5400, 2)] })).toEqual(['P2-P3']);
    // But its own process knows.
    expect(promisesBroken({ writes, faults: [cut], reads: [read('start', 2020, 1)] })).toEqual(['own write']);
  });

  it('lets the old value stand until its time is over where the process died before it could tell', () => {
    const writes = [write('a', 2000, undefined)];
    const deaths = new Map([['0.0', 2005]]);
    expect(promisesBroken({ writes, deaths, reads: [read('start', 5900)] })).toEqual([]);
    expect(promisesBroken({ writes, deaths, reads: [read('start', 6200)] })).toEqual(['P2-P3']);
  });

  it('takes a copy that was loaded while Redis refused, over a link that was ready, for as long as any without a link', () => {
    const writes = [write('a', 2000, 2010)];
    const refused = new Map([[1, [{ begin: 1990, end: 2020 }]]]);
    expect(promisesBroken({ writes, refused, reads: [read('start', 3000)] })).toEqual([]);
    expect(promisesBroken({ writes, refused, reads: [read('start', 3100)] })).toEqual(['P2-P3']);
    expect(promisesBroken({ writes, refused, reads: [read('start', 2100, 2)] })).toEqual(['P2-P3']);
  });

  it('finds no excuse in a slot that moves', () => {
    const move: Fault = { name: 'slot move', begin: 1000, end: 3000 };
    const writes = [write('a', 2000, 2010)];
    expect(promisesBroken({ writes, faults: [move], reads: [read('start', 2100)] })).toEqual(['P2-P3']);
    expect(promisesBroken({ faults: [move], loads: [load(0, 2000, 2100), load(1, 2050, 2150)] })).toEqual([
      'P1',
    ]);
  });

  it('has what other programs were told amid a failover done by the time that the old value is over', () => {
    const takeover: Fault = { name: 'takeover', begin: 1000, end: 3000 };
    const told = { faults: [takeover], writes: [write('a', 2000, 2010, { worker: OUTSIDE })] };
    expect(promisesBroken({ ...told, failsOver: true, reads: [read('start', 5900)] })).toEqual([]);
    expect(promisesBroken({ ...told, failsOver: true, reads: [read('start', 6200)] })).toEqual(['P2-P3']);
    expect(promisesBroken({ ...told, reads: [read('start', 5900)] })).toEqual(['P2-P3']);
  });
});

describe('the checker, of loads', () => {
  it('takes no two at once', () => {
    expect(promisesBroken({ loads: [load(0, 100, 200), load(1, 150, 250)] })).toEqual(['P1']);
    expect(promisesBroken({ loads: [load(0, 100, 200), load(1, 200, 250)] })).toEqual([]);
  });

  it('takes one other beside one that is ahead of its time, when what stood is over, and no more', () => {
    const key = 'ahead:1';
    const loads = [100, 150, 160].map((begin, worker) => ({ ...load(worker, begin, 200), key }));
    expect(promisesBroken({ key, loads: loads.slice(0, 2) })).toEqual([]);
    expect(promisesBroken({ key, loads })).toEqual(['P1']);
  });

  it('takes two where a change came in between, or a link was not well', () => {
    const loads = [load(0, 100, 200), load(1, 150, 250)];
    expect(promisesBroken({ loads, writes: [write('a', 120, 140)] })).toEqual([]);
    expect(promisesBroken({ loads, unready: [[1, 90, 400]] })).toEqual([]);
  });
});

describe('the checker, of writes behind', () => {
  const key = 'behind:1';
  const writes = [write('a', 100, 110, { key }), write('b', 200, 210, { key })];

  it('misses none that was acknowledged, unless a later one of its key took its place', () => {
    expect(promisesBroken({ key, writes, applied: ['a', 'b'] })).toEqual([]);
    expect(promisesBroken({ key, writes, applied: ['b'] })).toEqual([]);
    expect(promisesBroken({ key, writes, applied: ['a'] })).toEqual(['P7']);
  });

  it('misses none that Redis lost when it was emptied', () => {
    const flush: Fault = { name: 'flush', begin: 220, end: 221 };
    expect(promisesBroken({ key, writes, applied: ['a'], faults: [flush] })).toEqual([]);
  });
});
