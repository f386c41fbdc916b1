import { Cron } from 'croner';
import { parseDuration } from '../duration.js';
import { InvalidOptionError } from '../errors.js';
import { describeValue } from '../validate.js';

/** Milliseconds, or text: a duration such as `'5m'`, or a cron expression in UTC such as `'0 3 * * *'`. */
export type Schedulable = number | string;

/** When the turns of a pattern are. All times are milliseconds since the epoch, and the same in every process. */
export interface Schedule {
  /** The turn that is under way at that time: the last one that began at or before it. */
  current(now: number): number;
  /** The first turn after that time. */
  next(now: number): number;
}

const SHORTEST = 10;
const LONGEST = 365 * 24 * 60 * 60 * 1000;

/**
 * @param schedule - a duration (milliseconds, or text such as `'5m'`) between turns, which begin at whole multiples of it; or a
 * cron expression of five or six fields such as `'0 3 * * *'`, in UTC.
 * @throws InvalidOptionError
 */
export function parseSchedule(schedule: Schedulable, name: string): Schedule {
  if (typeof schedule === 'string' && schedule.trim().includes(' ')) return cronSchedule(schedule, name);
  const interval = parseDuration(schedule, name, { min: SHORTEST, max: LONGEST });
  const current = (now: number): number => Math.floor(now / interval) * interval;
  return { current, next: (now) => current(now) + interval };
}

function cronSchedule(text: string, name: string): Schedule {
  let cron: Cron;
  try {
    cron = new Cron(text, { paused: true, timezone: 'UTC', mode: '5-or-6-parts' });
  } catch (cause) {
    throw new InvalidOptionError(
      `${name}: expected a duration or a cron expression, got ${describeValue(text)}`,
      { cause },
    );
  }
  const upcoming = (now: number): number => cron.nextRun(new Date(now))?.getTime() ?? Infinity;
  if (upcoming(Date.now()) === Infinity) {
    throw new InvalidOptionError(`${name}: the cron expression ${describeValue(text)} has no turn to come`);
  }
  return {
    // A turn that begins just now counts as begun.
    current: (now) => cron.previousRuns(1, new Date(now + 1))[0]?.getTime() ?? 0,
    next: upcoming,
  };
}
