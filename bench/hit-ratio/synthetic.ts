import { Random } from '../../demo/random.js';
import { Zipf } from '../../demo/zipf.js';
import type { Trace } from './trace.js';

const LENGTH = 300_000;

type Source = () => number;

function zipf(keys: number, theta: number, seed: number): Source {
  const ranks = new Zipf(keys, theta);
  const random = new Random(seed);
  return () => ranks.draw(random);
}

function randomFrom(seed: number): Source {
  const random = new Random(seed);
  return () => random.next();
}

function take(source: Source, length = LENGTH): Uint32Array {
  return Uint32Array.from({ length }, source);
}

/** Popularity that moves on: every `period` requests one key, mostly a popular one, is replaced by one never seen. */
function churning(keys: number, theta: number, period: number): Source {
  const rank = zipf(keys, theta, 3);
  const names = Uint32Array.from({ length: keys }, (_, i) => i);
  let next = keys;
  let asked = 0;
  return () => {
    if (asked++ % period === 0) names[rank()] = next++;
    return names[rank()] ?? 0;
  };
}

/** Popularity that wanders over the keys. */
function drifting(keys: number, theta: number, period: number): Source {
  const rank = zipf(keys, theta, 2);
  let asked = 0;
  return () => (rank() + Math.floor(asked++ / period) * Math.ceil(keys / 200)) % keys;
}

function loop(length: number): Source {
  let at = -1;
  return () => ++at % length;
}

/** To the end and back again. */
function toAndFro(length: number): Source {
  let at = -1;
  return () => {
    const place = ++at % (2 * (length - 1));
    return place < length ? place : 2 * (length - 1) - place;
  };
}

/** Half of the time, or as often as said, the second source, with keys of its own. */
function mixed(first: Source, second: Source, share = 0.5): Source {
  const random = randomFrom(5);
  return () => (random() < share ? 10_000_000 + second() : first());
}

function inTurns(sources: readonly Source[], length: number): Source {
  let asked = 0;
  return () => {
    const turn = Math.floor(asked++ / length) % sources.length;
    return turn * 10_000_000 + (sources[turn]?.() ?? 0);
  };
}

/** Keys that are asked for once, in long rows. */
function once(): Source {
  let next = 0;
  return () => next++;
}

/** Asks again for what was asked for lately: `depth` requests ago in the mean; or for something new. */
function recent(depth: number, newShare: number): Source {
  const random = randomFrom(6);
  const asked: number[] = [];
  let next = 0;
  return () => {
    const back = 1 + Math.floor(-Math.log(1 - random()) * depth);
    const id = random() < newShare ? next++ : (asked[asked.length - back] ?? next++);
    asked.push(id);
    return id;
  };
}

/** Each key near the one before. */
function walking(keys: number, step: number): Source {
  const random = randomFrom(7);
  let at = keys / 2;
  return () => {
    at = Math.abs(at + Math.round((random() + random() + random() - 1.5) * step));
    if (at >= keys) at = 2 * keys - 2 - at;
    return at;
  };
}

/** Some keys at random, and after a while others. */
function shifting(keys: number, period: number): Source {
  const random = randomFrom(8);
  let asked = 0;
  return () => Math.floor(asked++ / period) * keys + Math.floor(random() * keys);
}

function popular(keys: number, theta: number): Source {
  return zipf(keys, theta, 1);
}

function make(name: string, size: number, source: Source, length = LENGTH): () => Trace {
  return () => ({ name, sizes: [size], requests: take(source, length) });
}

/** Families that no single rule serves well, each with a memory that makes it hard. */
export const SYNTHETIC: readonly (() => Trace)[] = [
  make('zipf 0.8 of 20,000', 500, popular(20_000, 0.8)),
  make('zipf 0.99 of 50,000', 2_000, popular(50_000, 0.99)),
  make('zipf 1.1 of 20,000', 200, popular(20_000, 1.1)),
  make('zipf, wandering', 1_000, drifting(20_000, 0.9, 1_000)),
  make('zipf, wandering fast', 1_000, drifting(20_000, 0.9, 100)),
  make('zipf, new keys', 1_000, churning(20_000, 0.9, 20)),
  make('zipf, new keys fast', 1_000, churning(10_000, 0.9, 3)),
  make('loop of 1,050', 1_000, loop(1_050)),
  make('loop of 1,500', 1_000, loop(1_500)),
  make('loop of 3,000', 1_000, loop(3_000)),
  make('loop of 10,000', 1_000, loop(10_000)),
  make('to and fro over 1,200', 1_000, toAndFro(1_200)),
  make('to and fro over 2,000', 1_000, toAndFro(2_000)),
  make('to and fro over 2,000, short', 1_000, toAndFro(2_000), 20_000),
  make('to and fro over 4,000', 1_000, toAndFro(4_000)),
  make('to and fro over 10,000', 1_000, toAndFro(10_000)),
  make('zipf and keys asked for once', 1_000, inTurns([popular(10_000, 0.9), once()], 2_500)),
  make('zipf and long rows asked for once', 500, inTurns([popular(5_000, 0.9), once()], 10_000)),
  make('zipf and a loop', 1_000, mixed(popular(10_000, 0.9), loop(1_500))),
  make('zipf and much of a loop', 1_000, mixed(popular(10_000, 0.9), loop(2_000), 0.8)),
  make('zipf and to and fro', 1_000, mixed(popular(10_000, 0.9), toAndFro(1_500))),
  make('zipf and much to and fro', 1_000, mixed(popular(10_000, 0.9), toAndFro(2_000), 0.9)),
  make('recent, 500 back', 1_000, recent(500, 0.1)),
  make('recent, 2,000 back', 1_000, recent(2_000, 0.1)),
  make('recent, many new', 300, recent(300, 0.3)),
  make('a walk', 500, walking(20_000, 40)),
  make('a wide walk', 500, walking(50_000, 200)),
  make('900 keys, then others', 1_000, shifting(900, 6_000)),
  make('1,500 keys, then others', 1_000, shifting(1_500, 10_000)),
  make('900 keys, soon others', 1_000, shifting(900, 2_700)),
  make('loop and recent in turns', 1_000, inTurns([loop(1_500), recent(500, 0.2)], 20_000)),
  make(
    'to and fro, zipf, loop in turns',
    1_000,
    inTurns([toAndFro(2_000), popular(20_000, 0.9), loop(2_000)], 30_000),
  ),
];
