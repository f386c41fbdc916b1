import { describe, expect, it } from 'vitest';
import { KeySpace, readRedisKey } from '../../../src/client/key-space.js';

describe('a Redis key', () => {
  const shop = KeySpace.of('shop');

  it.each<[redisKey: string, namespace: string, about: string]>([
    ['shop::user:1', 'shop', 'entry'],
    ['shop::', 'shop', 'entry'],
    ['shop::a::b', 'shop', 'entry'],
    ['shop:eu::user:1', 'shop:eu', 'entry'],
    ['shop:eu:de::user:1', 'shop:eu:de', 'entry'],
    ['shop:%tag::users', 'shop', 'tag'],
    ['shop:eu:%tag::a::b', 'shop:eu', 'tag'],
    ['shop:eu:%tagfloor::', 'shop:eu', 'tag'],
    ['%refresh:shop:eu::user:1', 'shop:eu', 'refresh'],
    ['shop:of somebody', 'shop', 'stray'],
  ])('%s is of the namespace %s: %s', (redisKey, namespace, about) => {
    expect(readRedisKey(redisKey, shop)).toEqual({ namespace, about });
  });

  it.each(['shopping::a', 'shop', 'other::shop::a', '%refresh:other::a', 'a::shop:b', ''])(
    '%j is of no namespace within another',
    (redisKey) => {
      expect(readRedisKey(redisKey, shop)).toBeUndefined();
    },
  );

  it('is read back as it was made, whatever the names', () => {
    for (const name of ['a', 'a:b', 'a%b', '%3A', '%tag']) {
      const inner = shop.within(name);
      const namespace = inner.prefix.slice(0, -2);
      expect(readRedisKey(`${inner.prefix}k`, shop)).toEqual({ namespace, about: 'entry' });
      expect(readRedisKey(inner.tagKey('t'), shop)).toEqual({ namespace, about: 'tag' });
      expect(readRedisKey(inner.tagFloorKey, shop)).toEqual({ namespace, about: 'tag' });
      expect(readRedisKey(`${shop.prefix}k`, inner)).toBeUndefined();
    }
  });

  it('that is bare is of no namespace, though it looks so', () => {
    const bare = KeySpace.of('');
    expect(readRedisKey('shop::a', bare)).toEqual({ namespace: '', about: 'entry' });
    expect(readRedisKey('a', bare)).toEqual({ namespace: '', about: 'entry' });
    expect(readRedisKey('%refresh:a', bare)).toEqual({ namespace: '', about: 'refresh' });
    expect(readRedisKey(bare.tagKey('t'), bare)).toEqual({ namespace: '', about: 'tag' });
  });
});
