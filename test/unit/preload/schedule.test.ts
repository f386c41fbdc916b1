import { describe, expect, it } from 'vitest';
import { InvalidOptionError } from '../../../src/errors.js';
import { parseSchedule } from '../../../src/preload/schedule.js';

const at = (text: string): number => Date.parse(text);

describe('the schedule of a preload pattern', () => {
  it('has turns at whole multiples of a duration, the same in every process', () => {
    const turns = parseSchedule('5m', 'schedule');
    expect(turns.current(at('2026-01-01T00:07:13Z'))).toBe(at('2026-01-01T00:05:00Z'));
    expect(turns.current(at('2026-01-01T00:05:00Z'))).toBe(at('2026-01-01T00:05:00Z'));
    expect(turns.next(at('2026-01-01T00:05:00Z'))).toBe(at('2026-01-01T00:10:00Z'));
    expect(parseSchedule(250, 'schedule').next(1000)).toBe(1250);
  });

  it('has turns by a cron expression, in UTC', () => {
    const turns = parseSchedule('30 3 * * *', 'schedule');
    expect(turns.current(at('2026-03-29T12:00:00Z'))).toBe(at('2026-03-29T03:30:00Z'));
    expect(turns.current(at('2026-03-29T03:30:00Z'))).toBe(at('2026-03-29T03:30:00Z'));
    expect(turns.current(at('2026-03-29T03:29:59Z'))).toBe(at('2026-03-28T03:30:00Z'));
    expect(turns.next(at('2026-03-29T03:30:00Z'))).toBe(at('2026-03-30T03:30:00Z'));
    const seconds = parseSchedule('*/10 * * * * *', 'schedule');
    expect(seconds.next(at('2026-01-01T00:00:05Z'))).toBe(at('2026-01-01T00:00:10Z'));
  });

  it.each(['soon', '', 'x y z u v', '61 * * * *', '0 0 30 2 *', 0, -5, Number.NaN, '2000d'])(
    'refuses %j and says so',
    (wrong) => {
      expect(() => parseSchedule(wrong, 'preload posts: schedule')).toThrow(InvalidOptionError);
      expect(() => parseSchedule(wrong, 'preload posts: schedule')).toThrow(/preload posts: schedule/);
    },
  );
});
