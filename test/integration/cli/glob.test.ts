import { describe, expect, it } from 'vitest';
import { seededRandom } from 'tiercel/testing';
import { globMatcher } from '../../../src/cli/redis/glob.js';
import { redisCli } from '../../support/redis-cli.js';
import { startRedis } from '../../support/redis.js';

const LETTERS = ['a', 'b', 'c', '-', '^', '[', ']', '*', '?', '\\', 'é'];

describe('a glob', () => {
  it('matches what SCAN matches', async () => {
    await using redis = await startRedis();
    const cli = redisCli(redis.url);
    const random = seededRandom(7);
    const word = (most: number): string =>
      Array.from(
        { length: 1 + Math.floor(random() * most) },
        () => LETTERS[Math.floor(random() * LETTERS.length)],
      ).join('');
    const keys = [...new Set(Array.from({ length: 400 }, () => word(4)))];
    for (const key of keys) await cli.text('SET', key, 'x');
    let matched = 0;
    for (let i = 0; i < 600; i++) {
      const glob = word(6);
      const [, found] = (await cli.text('SCAN', '0', 'MATCH', glob, 'COUNT', '10000')) as [string, string[]];
      const matches = globMatcher(glob);
      expect(keys.filter((key) => matches(key)).toSorted(), `the glob ${JSON.stringify(glob)}`).toEqual(
        found.toSorted(),
      );
      matched += found.length;
    }
    expect(matched).toBeGreaterThan(1000);
  });
});
