import { describe, expect, it } from 'vitest';
import { RecentKeys } from '../../../src/recovery/recent-keys.js';

describe('RecentKeys', () => {
  let now = 0;
  const open = (): RecentKeys => {
    now = 1000;
    return new RecentKeys({ monotonic: () => now, wall: () => 0 });
  };

  it('keeps what was added in the last five seconds, and nothing for more than ten', () => {
    const keys = open();
    keys.add('old');
    now += 6000;
    keys.add('young');
    expect([...keys.all].sort()).toEqual(['old', 'young']);
    now += 4900;
    keys.add('youngest');
    expect(keys.all.has('young')).toBe(true);
    now += 5000;
    keys.add('later');
    expect(keys.all.has('old')).toBe(false);
  });

  it('keeps the last ones for as long as none are added', () => {
    const keys = open();
    keys.add('a');
    now += 3_600_000;
    expect([...keys.all]).toEqual(['a']);
  });

  it('keeps at least the latest 4000 and at most twice as many', () => {
    const keys = open();
    for (let i = 0; i < 20_000; i++) keys.add(String(i));
    for (let i = 16_000; i < 20_000; i++) expect(keys.all.has(String(i))).toBe(true);
    expect(keys.all.size).toBeLessThanOrEqual(8000);
  });
});
