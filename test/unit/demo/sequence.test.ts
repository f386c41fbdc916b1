import { describe, expect, it } from 'vitest';
import { usersByFame } from '../../../demo/data/popularity.js';
import { RequestSequence, type LoadRequest } from '../../../demo/load/sequence.js';

function take(users: number, count: number): LoadRequest[] {
  const sequence = new RequestSequence(users);
  return Array.from({ length: count }, () => sequence.next());
}

describe('RequestSequence', () => {
  it('asks for the same in the same order every time', () => {
    expect(take(500, 1000)).toEqual(take(500, 1000));
  });

  it('asks for profiles, lists, views and edits in the shares that the report names', () => {
    const requests = take(500, 100_000);
    const share = (kind: LoadRequest['kind']): number =>
      requests.filter((request) => request.kind === kind).length / 100_000;
    expect(share('profile')).toBeCloseTo(0.85, 2);
    expect(share('popular')).toBeCloseTo(0.06, 2);
    expect(share('trending')).toBeCloseTo(0.03, 2);
    expect(share('view')).toBeCloseTo(0.05, 2);
    expect(share('edit')).toBeCloseTo(0.01, 2);
  });

  it('reads the most followed user most often', () => {
    const reads = new Map<number, number>();
    for (const request of take(500, 20_000)) {
      if (request.kind === 'profile') reads.set(request.id, (reads.get(request.id) ?? 0) + 1);
    }
    const [mostRead] = [...reads].sort(([, a], [, b]) => b - a);
    expect(mostRead?.[0]).toBe(usersByFame(500)[0]);
  });

  it('spreads edits over everybody', () => {
    const edited = new Set(
      take(100, 100_000).flatMap((request) => (request.kind === 'edit' ? [request.id] : [])),
    );
    expect(edited.size).toBe(100);
  });
});
