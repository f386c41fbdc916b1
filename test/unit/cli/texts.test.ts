import { describe, expect, it } from 'vitest';
import { applicationStats } from '../../../src/cli/application-stats.js';
import { namespaceKeys, namespacePath } from '../../../src/cli/options/namespace.js';
import { serverList } from '../../../src/cli/options/server-list.js';
import { bytesText, printable, shareText, spanText } from '../../../src/cli/output/format.js';
import { listing, table } from '../../../src/cli/output/table.js';
import { isWithin, keyMeaning } from '../../../src/cli/redis/key-meaning.js';
import { ServerInfo } from '../../../src/cli/redis/server-info.js';
import { serverRates } from '../../../src/cli/server-rates.js';
import { serverStats } from '../../../src/cli/server-stats.js';
import { UsageError } from '../../../src/cli/usage-error.js';
import { KeySpace } from '../../../src/client/key-space.js';
import { leaseKeyOf } from '../../../src/client/lease-key.js';
import { CacheMetrics } from '../../../src/metrics/cache-metrics.js';
import { partitionKeys } from '../../../src/strategies/write-behind/partition-keys.js';

describe('servers on a command line', () => {
  it.each([
    ['a:1', [{ host: 'a', port: 1 }]],
    [
      'a, b:7001',
      [
        { host: 'a', port: 6379 },
        { host: 'b', port: 7001 },
      ],
    ],
    [
      '[::1]:6380,[fe80::1]',
      [
        { host: '::1', port: 6380 },
        { host: 'fe80::1', port: 6379 },
      ],
    ],
  ])('%s', (text, servers) => {
    expect(serverList(text, '--cluster', 6379)).toEqual(servers);
  });

  it.each(['', 'a:', 'a:0', 'a:65536', '::1', 'a:b', 'redis://a', 'a b'])(
    'refuses %j, and names it',
    (text) => {
      expect(() => serverList(text, '--cluster', 6379)).toThrow(UsageError);
      expect(() => serverList(text, '--cluster', 6379)).toThrow(`'${text.trim()}'`);
    },
  );
});

describe('namespaces on a command line', () => {
  it('are written as they stand in Redis', () => {
    expect(namespacePath('')).toEqual([]);
    expect(namespacePath('shop:eu')).toEqual(['shop', 'eu']);
    expect(namespacePath('a%3Ab%25')).toEqual(['a:b%']);
    const odd = KeySpace.of('a:%25').within('b');
    expect(namespaceKeys(odd.familyPrefix.slice(0, -1)).prefix).toBe(odd.prefix);
  });
});

describe('what a key is', () => {
  const keys = KeySpace.of('shop').within('eu');

  it.each([
    [`${keys.prefix}user:1`, 'shop:eu', 'entry'],
    [`%refresh:${keys.prefix}user:1`, 'shop:eu', 'lease'],
    [leaseKeyOf(`${keys.prefix}user:1`), 'shop:eu', 'lease'],
    [leaseKeyOf(`${keys.prefix}{user}:1`), 'shop:eu', 'lease'],
    [keys.tagKey('users'), 'shop:eu', 'tag'],
    [keys.tagFloorKey, 'shop:eu', 'tag'],
    [`${keys.blobPrefix}f00`, 'shop', 'shared'],
    [keys.dictionaryKey('user'), 'shop:eu', 'shared'],
    [partitionKeys(keys, 'orders', 3).dead, 'shop:eu', 'write-behind'],
    [partitionKeys(KeySpace.of(''), 'orders', 3).meta, '', 'write-behind'],
    ['anything', undefined, 'other'],
    ['user:1', undefined, 'other'],
  ])('%s', (redisKey, namespace, kind) => {
    expect(keyMeaning(redisKey)).toEqual({ namespace, kind });
  });

  it('is of a namespace, or of one within it, by whole names', () => {
    expect(isWithin('shop', 'shop')).toBe(true);
    expect(isWithin('shop:eu', 'shop')).toBe(true);
    expect(isWithin('shopping', 'shop')).toBe(false);
    expect(isWithin(undefined, 'shop')).toBe(false);
  });
});

describe('figures for people', () => {
  it.each([
    [bytesText(0), '0 B'],
    [bytesText(1023), '1023 B'],
    [bytesText(1536), '1.5 KiB'],
    [bytesText(123_456_789), '118 MiB'],
    [shareText(0.1234), '12.3 %'],
    [shareText(undefined), '–'],
    [spanText(0.123), '0.12 ms'],
    [spanText(999), '999 ms'],
    [spanText(90_000), '1.5 min'],
    [spanText(undefined), 'for ever'],
    [spanText(Infinity), 'for ever'],
  ])('%s', (text, expected) => {
    expect(text).toBe(expected);
  });

  it('never let a text from Redis steer the terminal', () => {
    expect(printable('a\u001B[2Jb\r\n\u009B\u202E')).toBe(String.raw`a\x1b[2Jb\x0d\x0a\x9b\u202e`);
    expect(printable('für ひと 🙂')).toBe('für ひと 🙂');
  });

  it('stand in columns', () => {
    expect(
      table(
        [{ title: 'n', align: 'right' }, { title: 'name' }],
        [
          ['1,000', 'a'],
          ['2', 'bcd'],
        ],
      ),
    ).toBe('    n  name\n1,000  a\n    2  bcd');
    expect(
      listing([
        ['a', '1'],
        ['longer', '2'],
      ]),
    ).toBe('a       1\nlonger  2');
  });
});

describe('what an application tells of itself', () => {
  it('has how late it hears of changes, once that was measured', () => {
    const metrics = new CacheMetrics();
    let measured: (milliseconds: number) => void = () => undefined;
    metrics.attach(undefined, undefined, { onLag: (listener) => void (measured = listener) });
    const text = (): string =>
      applicationStats({ snapshot: metrics.snapshot(), namespaces: [], queues: [], preloads: [] });
    expect(text()).not.toContain('changes elsewhere');
    measured(12);
    expect(text()).toMatch(/^changes elsewhere +heard of within 12(\.0)? ms \(p99\), 12(\.0)? ms at worst$/m);
  });
});

describe('what a server tells of itself', () => {
  const info = new ServerInfo(
    '# Stats\r\nkeyspace_hits:30\r\nkeyspace_misses:10\r\ntotal_commands_processed:100\r\nempty:\r\ndb0:keys=3,expires=1,avg_ttl=0\r\ndb5:keys=4,expires=2\r\n',
  );

  it('is read field by field', () => {
    expect(info.number('keyspace_hits')).toBe(30);
    expect(info.number('empty')).toBeUndefined();
    expect(info.number('none')).toBeUndefined();
    expect(info.keys()).toEqual({ keys: 7, expiring: 3 });
    expect(serverStats('a:1', info)).toMatchObject({ hits: 30, hitRate: 0.75, keys: 7 });
  });

  it('is a rate between two looks, also over a restart', () => {
    const before = serverStats('a:1', info);
    const later = serverStats(
      'a:1',
      new ServerInfo('keyspace_hits:50\nkeyspace_misses:10\ntotal_commands_processed:300'),
    );
    expect(serverRates(before, later, 2000)).toMatchObject({
      opsPerSecond: 100,
      hitsPerSecond: 10,
      hitRate: 1,
    });
    const restarted = serverStats('a:1', new ServerInfo('total_commands_processed:20'));
    expect(serverRates(before, restarted, 1000)).toMatchObject({ opsPerSecond: 20, hitRate: undefined });
  });
});
