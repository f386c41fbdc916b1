/** Makes one value, and says about how large it is. */
export type Mix = (random: () => number, id: number) => readonly [value: unknown, bytes: number];

/** Between two bounds, and as often in each doubling. */
function between(low: number, high: number, random: () => number): number {
  return Math.round(low * (high / low) ** random());
}

function text(length: number, id: number): string {
  // Not a concatenation: that would hold its parts.
  return Buffer.alloc(length, `${id} lorem ipsum dolor sit amet `).toString('latin1');
}

/** As a driver of a database makes it: every text its own. */
function record(id: number): object {
  return {
    id,
    name: text(20, id),
    email: text(24, id),
    balance: id * 137,
    rating: (id % 50) / 10 + 0.05,
    active: id % 7 !== 0,
    roles: [text(6, id), text(6, id + 1)],
    address: { street: text(16, id), city: text(9, id), zip: text(5, id) },
    bio: text(id % 300, id),
  };
}

const texts =
  (low: number, high: number): Mix =>
  (random, id) => {
    const length = between(low, high, random);
    return [text(length, id), length];
  };

const buffers =
  (low: number, high: number): Mix =>
  (random) => {
    const length = between(low, high, random);
    return [Buffer.alloc(length), length];
  };

const records: Mix = (_random, id) => [record(id), 600];

/** Short texts that were met before are not made again by `JSON.parse`, which nobody can see from outside. */
const parsed: Mix = (_random, id) => [
  JSON.parse(JSON.stringify({ ...record(id), country: 'NL', kind: 'reader' })),
  600,
];

const lists: Mix = (random, id) => {
  const length = between(1, 60, random);
  return [Array.from({ length }, (_, i) => record(id + i)), 600 * length];
};

const ANY = [texts(16, 20_000), buffers(64, 50_000), records, lists];

/** One after the other, so that each finds what the one before has left. */
export const MIXES: Readonly<Record<string, Mix>> = {
  'text, 16 to 200 B': texts(16, 200),
  'text, 200 B to 20 KB': texts(200, 20_000),
  'records of 600 B': records,
  'the same from JSON': parsed,
  'lists of records': lists,
  'Buffers, 1 to 100 KB': buffers(1_000, 100_000),
  'all of these': (random, id) => (ANY[Math.floor(random() * ANY.length)] ?? records)(random, id),
  'small text again': texts(16, 200),
  'and all of these': (random, id) => (ANY[Math.floor(random() * ANY.length)] ?? records)(random, id),
};
