import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConsistentHash } from 'tiercel';

const keys = Array.from({ length: 1000 }, (_, i) => `user_profile:${i}`);
const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `shard-${i}`);

/** Small rings, so that points fall together now and then and a wrong way to settle that shows. */
const rings = fc.record({
  nodes: fc.uniqueArray(
    fc.tuple(fc.string({ minLength: 1, maxLength: 8 }), fc.double({ min: 0.1, max: 4, noNaN: true })),
    { selector: ([name]) => name, minLength: 1, maxLength: 8 },
  ),
  virtualNodes: fc.integer({ min: 1, max: 64 }),
  range: fc.constantFrom(2 ** 32, 256),
});
const open = (
  nodes: Iterable<readonly [string, number]>,
  { virtualNodes, range }: { virtualNodes: number; range: number },
): ConsistentHash => {
  return new ConsistentHash(nodes, {
    virtualNodes,
    ...(range < 2 ** 32 && { hash: (text) => crowded(text, range) }),
  });
};
function crowded(text: string, range: number): number {
  let h = 7;
  for (const unit of text) h = (Math.imul(h, 31) + (unit.codePointAt(0) ?? 0)) >>> 0;
  return h % range;
}

describe('ConsistentHash', () => {
  it('gives every key one of its nodes, and none where there is none', () => {
    const ring = new ConsistentHash(names(3));
    expect(new Set(keys.map((key) => ring.get(key)))).toEqual(new Set(names(3)));
    expect(new ConsistentHash().get('a')).toBeUndefined();
    expect(new ConsistentHash().nodesFor('a', 2)).toEqual([]);
    expect(new ConsistentHash().shares()).toEqual(new Map());
  });

  it('places keys where every version of this package does', () => {
    const ring = new ConsistentHash(['a', 'b', 'c', ['d', 2]]);
    const placed = ['user:1', 'user:2', 'user:3', 'user:4', 'user:5', 'user:6', 'Größe', ''].map((key) =>
      ring.get(key),
    );
    expect(placed).toEqual(['d', 'a', 'd', 'd', 'd', 'c', 'b', 'd']);
  });

  it('places keys the same whatever the order in which nodes came', () => {
    fc.assert(
      fc.property(rings, fc.infiniteStream(fc.nat()), ({ nodes, ...options }, picks) => {
        const shuffled = [...nodes].sort(() => ((picks.next().value as number) % 2) - 0.5);
        const [one, other] = [open(nodes, options), open([], options)];
        other.add('passing');
        other.get('a');
        for (const [name, weight] of shuffled) other.add(name, weight);
        if (!nodes.some(([name]) => name === 'passing')) other.remove('passing');
        for (const key of keys.slice(0, 200)) expect(other.get(key)).toBe(one.get(key));
      }),
    );
  });

  it('moves only the keys of a node that goes, and only keys to a node that comes', () => {
    fc.assert(
      fc.property(rings, fc.nat(), ({ nodes, ...options }, pick) => {
        const [gone, weight] = nodes[pick % nodes.length] ?? ['', 1];
        const ring = open(nodes, options);
        const before = keys.map((key) => ring.get(key));
        expect(ring.remove(gone)).toBe(true);
        for (const [i, key] of keys.entries()) {
          if (before[i] === gone) expect(ring.get(key)).not.toBe(gone);
          else expect(ring.get(key)).toBe(before[i]);
        }
        ring.add(gone, weight);
        expect(keys.map((key) => ring.get(key))).toEqual(before);
      }),
    );
  });

  it('moves keys only to a node whose weight grows, and only from one whose weight falls', () => {
    fc.assert(
      fc.property(rings, fc.nat(), ({ nodes, ...options }, pick) => {
        const [name, weight] = nodes[pick % nodes.length] ?? ['', 1];
        const ring = open(nodes, options);
        const before = keys.map((key) => ring.get(key));
        ring.add(name, weight * 2);
        const grown = keys.map((key) => ring.get(key));
        for (const [i, owner] of grown.entries()) expect([before[i], name]).toContain(owner);
        ring.add(name, weight);
        expect(keys.map((key) => ring.get(key))).toEqual(before);
      }),
    );
  });

  it('moves about one of n + 1 keys when a node comes to n', () => {
    const ring = new ConsistentHash(names(10));
    const before = keys.map((key) => ring.get(key));
    ring.add('shard-10');
    const moved = keys.filter((key, i) => ring.get(key) !== before[i]).length;
    expect(moved / keys.length).toBeCloseTo(1 / 11, 1.5);
    expect(ring.shares().get('shard-10')).toBeCloseTo(1 / 11, 2);
  });

  it('names the nodes that a key would move to, in their order', () => {
    fc.assert(
      fc.property(rings, ({ nodes, ...options }) => {
        const ring = open(nodes, options);
        const preferred = ring.nodesFor('user:42', nodes.length + 1);
        expect(new Set(preferred)).toEqual(new Set(ring.nodes));
        expect(preferred).toHaveLength(nodes.length);
        expect(ring.nodesFor('user:42', 1)).toEqual(preferred.slice(0, 1));
        for (const name of preferred) {
          expect(ring.get('user:42')).toBe(name);
          ring.remove(name);
        }
      }),
    );
  });

  describe('the shares', () => {
    it('follow the weights', () => {
      const shares = new ConsistentHash([['a', 1], ['b', 3], 'c']).shares();
      expect(shares.get('a')).toBeCloseTo(0.2, 2);
      expect(shares.get('b')).toBeCloseTo(0.6, 1.5);
      expect(shares.get('c')).toBeCloseTo(0.2, 2);
      expect([...shares.values()].reduce((sum, share) => sum + share)).toBeCloseTo(1, 9);
    });

    it('are those of the keys', () => {
      const ring = new ConsistentHash(names(4));
      const counts = new Map<string | undefined, number>();
      for (let i = 0; i < 100_000; i++) {
        const node = ring.get(`key ${i}`);
        counts.set(node, (counts.get(node) ?? 0) + 1);
      }
      for (const [name, share] of ring.shares())
        expect((counts.get(name) ?? 0) / 100_000).toBeCloseTo(share, 1.7);
    });
  });

  it('takes a hash of the caller’s', () => {
    const ring = new ConsistentHash(['a', 'b'], {
      virtualNodes: 1,
      hash: (text) => (text === 'a#0' ? 10 : text === 'b#0' ? 20 : text.length),
    });
    const placed = [0, 10, 11, 20, 21].map((length) => ring.get('k'.repeat(length)));
    expect(placed).toEqual(['a', 'a', 'b', 'b', 'a']);
  });

  it('says whether a node was there to be removed', () => {
    const ring = new ConsistentHash(['a', 'b']);
    expect(ring.remove('c')).toBe(false);
    expect(ring.remove('b')).toBe(true);
    expect(ring.nodes).toEqual(['a']);
    expect(ring.get('x')).toBe('a');
  });

  it.each<[what: string, make: () => unknown, message: string]>([
    ['an empty name', () => new ConsistentHash(['']), "got ''"],
    ['a name that is no text', () => new ConsistentHash().add(7 as never), 'got 7'],
    ['a lone surrogate', () => new ConsistentHash(['\uD800']), 'well-formed'],
    ['a name twice', () => new ConsistentHash(['a', ['a', 2]]), "'a' is there twice"],
    ['a weight of 0', () => new ConsistentHash([['a', 0]]), 'got 0'],
    ['a weight below 0', () => new ConsistentHash().add('a', -1), 'got -1'],
    ['a weight that is no number', () => new ConsistentHash().add('a', Number.NaN), 'got NaN'],
    ['an endless weight', () => new ConsistentHash().add('a', Infinity), 'got Infinity'],
    ['too many points', () => new ConsistentHash().add('a', 1e6), '8192000000 points'],
    [
      'no virtual nodes',
      () => new ConsistentHash([], { virtualNodes: 0 }),
      'virtualNodes: expected a whole number from 1 to 65536, got 0',
    ],
    ['half a virtual node', () => new ConsistentHash([], { virtualNodes: 1.5 }), 'got 1.5'],
    ['a hash that is none', () => new ConsistentHash([], { hash: 'md5' as never }), "got 'md5'"],
    ['a hash that answers text', () => new ConsistentHash([], { hash: (() => 'x') as never }), "answers 'x'"],
    ['a hash beyond 32 bits', () => new ConsistentHash([], { hash: () => 2 ** 32 }), 'answers 4294967296'],
    ['an unknown option', () => new ConsistentHash([], { vnodes: 3 } as never), "unknown option 'vnodes'"],
    [
      'options for nodes',
      () => new ConsistentHash({ virtualNodes: 3 } as never),
      'options are the second argument',
    ],
    [
      'a count of 0',
      () => new ConsistentHash(['a']).nodesFor('a', 0),
      'count: expected a whole number of at least 1, got 0',
    ],
  ])('refuses %s', (_, make, message) => {
    expect(make).toThrow(
      expect.objectContaining({ code: 'TIERCEL_INVALID_OPTION', message: expect.stringContaining(message) }),
    );
  });
});
