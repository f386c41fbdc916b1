import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ALL_CHECKS } from '../../../src/cli/doctor/all-checks.js';
import { examine } from '../../../src/cli/doctor/examine.js';
import type { DeploymentFacts } from '../../../src/cli/doctor/facts.js';
import type { Level } from '../../../src/cli/doctor/finding.js';
import { deploymentFacts, type FactsOf } from '../../support/doctor-facts.js';

const MIB = 1024 * 1024;

function levelsOf(id: string, facts: DeploymentFacts): Level[] {
  return examine(facts)
    .findings.filter((finding) => finding.id === id)
    .map(({ level }) => level);
}

describe('the checks of doctor', () => {
  it('find nothing wrong with a server as it should be', () => {
    const { level, counts, findings } = examine(deploymentFacts());
    expect(findings.filter((finding) => finding.level !== 'ok')).toEqual([]);
    expect(level).toBe('ok');
    expect(counts.ok).toBe(18);
  });

  it.each<[string, Level, FactsOf]>([
    ['version', 'problem', { info: { redis_version: '6.2.14' } }],
    ['version', 'ok', { info: { redis_version: '7.2.4', valkey_version: '8.1.0' } }],
    ['version', 'unknown', { info: { redis_version: undefined } }],
    ['maxmemory', 'problem', { info: { maxmemory: 0 } }],
    ['maxmemory', 'warning', { info: { maxmemory: 3.5e9 } }],
    ['maxmemory', 'unknown', { info: { maxmemory: undefined } }],
    ['eviction-policy', 'problem', { info: { maxmemory_policy: 'noeviction' } }],
    ['eviction-policy', 'warning', { info: { maxmemory_policy: 'allkeys-random' } }],
    ['eviction-policy', 'ok', { info: { maxmemory_policy: 'volatile-ttl' } }],
    ['eviction-policy', 'unknown', { info: { maxmemory_policy: undefined } }],
    ['expiry', 'warning', { info: { maxmemory_policy: 'volatile-lfu', db0: 'keys=100,expires=80' } }],
    ['expiry', 'ok', { info: { maxmemory_policy: 'volatile-lfu', db0: 'keys=100,expires=95' } }],
    ['expiry', 'ok', { info: { maxmemory_policy: 'allkeys-lfu', db0: 'keys=100,expires=0' } }],
    ['expiry', 'ok', { info: { maxmemory_policy: 'volatile-lfu', db0: undefined } }],
    ['fragmentation', 'warning', { info: { mem_fragmentation_ratio: 1.8 } }],
    ['fragmentation', 'problem', { info: { mem_fragmentation_ratio: 0.7 } }],
    ['fragmentation', 'ok', { info: { mem_fragmentation_ratio: 6, used_memory: 2_000_000 } }],
    ['fragmentation', 'unknown', { info: { mem_fragmentation_ratio: undefined } }],
    // A thousand keys, and a day: at 24,000 the last of them goes after an hour.
    ['evictions', 'warning', { info: { evicted_keys: 25_000 } }],
    ['evictions', 'ok', { info: { evicted_keys: 23_000 } }],
    ['evictions', 'unknown', { info: { evicted_keys: undefined } }],
    ['hit-rate', 'warning', { info: { keyspace_hits: 400, keyspace_misses: 700 } }],
    ['hit-rate', 'ok', { info: { keyspace_hits: 0, keyspace_misses: 900 } }],
    ['hit-rate', 'unknown', { info: { keyspace_hits: undefined } }],
    ['persistence', 'ok', { info: { aof_enabled: 0 } }],
    ['persistence', 'problem', { info: { rdb_last_bgsave_status: 'err' } }],
    ['slow-log', 'warning', { slowLog: { known: true, value: [{ name: 'KEYS', took: 80, ago: 60_000 }] } }],
    ['slow-log', 'ok', { slowLog: { known: true, value: [{ name: 'KEYS', took: 80, ago: 7_200_000 }] } }],
    ['slow-log', 'ok', { slowLog: { known: true, value: [{ name: 'KEYS', took: 20, ago: 60_000 }] } }],
    ['slow-log', 'unknown', { slowLog: { known: false, why: 'NOPERM' } }],
    ['latency', 'warning', { pings: [1, 1, 1, 150] }],
    ['latency', 'warning', { pings: [6, 6, 6] }],
    ['latency', 'problem', { pings: [60, 60, 60] }],
    ['latency', 'unknown', { pings: [] }],
    ['clients', 'warning', { info: { connected_clients: 8100 } }],
    ['clients', 'warning', { info: { maxclients: 50 } }],
    ['clients', 'problem', { info: { rejected_connections: 1 } }],
    ['clients', 'unknown', { info: { maxclients: undefined } }],
    ['clients', 'ok', { info: { maxclients: undefined }, settings: { maxclients: '10000' } }],
    ['tracking-table', 'warning', { info: { tracking_total_keys: 850_000 } }],
    ['tracking-table', 'problem', { info: { tracking_total_keys: 960_000 } }],
    ['tracking-table', 'warning', { settings: { 'tracking-table-max-keys': '5000' } }],
    ['tracking-table', 'ok', { settings: { 'tracking-table-max-keys': '0' } }],
    ['tracking-table', 'unknown', { settings: null }],
    ['big-keys', 'warning', { keys: { largest: [{ redisKey: 'a', bytes: 2 * MIB, frequency: 1 }] } }],
    ['big-keys', 'problem', { keys: { largest: [{ redisKey: 'a', bytes: 10 * MIB, frequency: 1 }] } }],
    ['big-keys', 'ok', { keys: { largest: [] } }],
    ['big-keys', 'unknown', { keys: null }],
    ['hot-keys', 'warning', { keys: { hottest: [{ redisKey: 'a', bytes: 1, frequency: 142 }] } }],
    ['hot-keys', 'unknown', { info: { maxmemory_policy: 'allkeys-lru' } }],
    ['hot-keys', 'unknown', { keys: null }],
    ['replicas', 'problem', { info: { role: 'slave', master_link_status: 'up' } }],
    [
      'replicas',
      'ok',
      { info: { connected_slaves: 1, slave0: 'ip=h,port=1,state=online,offset=990,lag=1' } },
    ],
    [
      'replicas',
      'warning',
      { info: { connected_slaves: 1, slave0: 'ip=h,port=1,state=online,offset=990,lag=9' } },
    ],
    [
      'replicas',
      'warning',
      {
        info: {
          connected_slaves: 1,
          master_repl_offset: 40e6,
          slave0: 'ip=h,port=1,state=online,offset=1,lag=0',
        },
      },
    ],
    [
      'replicas',
      'warning',
      { info: { connected_slaves: 1, slave0: 'ip=h,port=1,state=wait_bgsave,offset=0,lag=0' } },
    ],
    ['access', 'ok', { openToAll: { known: true, value: true } }],
    [
      'access',
      'problem',
      { openToAll: { known: true, value: true }, settings: { bind: '* -::*', 'protected-mode': 'no' } },
    ],
    [
      'access',
      'warning',
      { openToAll: { known: true, value: true }, settings: { bind: '10.0.0.5', 'protected-mode': 'yes' } },
    ],
    [
      'access',
      'problem',
      { openToAll: { known: true, value: true }, settings: { bind: '', 'protected-mode': 'no' } },
    ],
    ['access', 'warning', { openToAll: { known: true, value: true }, settings: null }],
    ['access', 'ok', { openToAll: { known: true, value: false }, settings: { bind: '' } }],
    ['access', 'unknown', { openToAll: { known: false, why: 'NOPERM' } }],
    ['tls', 'warning', { settings: { bind: '10.0.0.5' } }],
    ['tls', 'warning', { settings: null }],
  ])('%s: %s', (id, level, server) => {
    expect(levelsOf(id, deploymentFacts(server))).toEqual([level]);
  });

  it.each<[string, Level, FactsOf]>([
    ['persistence', 'problem', { info: { aof_enabled: 0 } }],
    ['persistence', 'problem', { info: { aof_enabled: 1, aof_last_write_status: 'err' } }],
    ['persistence', 'warning', { info: { aof_enabled: 1 }, settings: { appendfsync: 'no' } }],
    ['persistence', 'unknown', { info: { aof_enabled: 1 }, settings: null }],
    ['persistence', 'unknown', { info: { aof_enabled: undefined } }],
    ['persistence', 'ok', { info: { aof_enabled: 1 } }],
    ['eviction-policy', 'problem', { info: { maxmemory_policy: 'allkeys-lru' } }],
    ['eviction-policy', 'warning', { info: { maxmemory_policy: 'noeviction' } }],
    ['eviction-policy', 'ok', { info: { maxmemory_policy: 'volatile-lru' } }],
  ])('%s, with queues of writes to the database: %s', (id, level, server) => {
    expect(levelsOf(id, deploymentFacts(server, { writeBehind: true }))).toEqual([level]);
  });

  it('replicas: nobody could take over', () => {
    expect(levelsOf('replicas', deploymentFacts({}, { kind: 'sentinel' }))).toEqual(['problem']);
    expect(levelsOf('replicas', deploymentFacts({}, { kind: 'cluster' }))).toEqual(['warning']);
    expect(levelsOf('replicas', deploymentFacts({}, { kind: 'cluster', writeBehind: true }))).toEqual([
      'problem',
    ]);
    const inStep = { info: { connected_slaves: 1, slave0: 'ip=h,port=1,state=online,offset=990,lag=1' } };
    const behind = { kind: 'sentinel', writeBehind: true } as const;
    expect(levelsOf('replicas', deploymentFacts(inStep, behind))).toEqual(['warning']);
    const bounded = { ...inStep, settings: { 'min-replicas-to-write': '1' } };
    expect(levelsOf('replicas', deploymentFacts(bounded, behind))).toEqual(['ok']);
  });

  it('cluster-slots: by the worst view', () => {
    const view = (of: Record<string, string>): FactsOf['cluster'] => ({
      known: true,
      value: new Map(Object.entries({ cluster_state: 'ok', cluster_slots_assigned: '16384', ...of })),
    });
    const level = (of: Record<string, string>): Level[] =>
      levelsOf('cluster-slots', deploymentFacts({ cluster: view(of) }));
    expect(level({})).toEqual(['ok']);
    expect(level({ cluster_slots_assigned: '16000' })).toEqual(['problem']);
    expect(level({ cluster_slots_fail: '3' })).toEqual(['problem']);
    expect(level({ cluster_state: 'fail' })).toEqual(['problem']);
    expect(level({ cluster_slots_pfail: '3' })).toEqual(['warning']);
    expect(levelsOf('cluster-slots', deploymentFacts())).toEqual([]);
    const refused = deploymentFacts({ cluster: { known: false, why: 'NOPERM' } });
    expect(levelsOf('cluster-slots', refused)).toEqual(['unknown']);
  });

  it('sentinel-quorum: each that is ill, and too few', () => {
    const level = (...said: Array<string | undefined>): Level[] => {
      const sentinels = said.map((value, i) => ({
        address: `h:${i}`,
        quorum:
          value === undefined
            ? ({ known: false, why: 'ECONNREFUSED' } as const)
            : ({ known: true, value } as const),
      }));
      return levelsOf('sentinel-quorum', deploymentFacts({}, { kind: 'sentinel', sentinels }));
    };
    expect(level('OK 3', 'OK 3', 'OK 3')).toEqual(['ok']);
    expect(level('OK 2', 'OK 2')).toEqual(['warning']);
    expect(level('OK 3', 'OK 3', undefined)).toEqual(['warning']);
    expect(level('NOQUORUM 1', undefined)).toEqual(['problem', 'warning']);
  });

  it('reachable: each server that is not', () => {
    const unreachable = [
      { address: 'a:1', why: 'refused' },
      { address: 'b:1', why: 'refused' },
    ];
    expect(levelsOf('reachable', deploymentFacts({}, { unreachable }))).toEqual(['problem', 'problem']);
  });

  it('every finding that is not ok says what it means and what to do', () => {
    const bad = deploymentFacts(
      {
        info: {
          maxmemory: 0,
          maxmemory_policy: 'noeviction',
          rejected_connections: 3,
          redis_version: '5.0.0',
        },
        settings: null,
        keys: null,
        slowLog: { known: false, why: 'NOPERM' },
        pings: [70],
      },
      { kind: 'sentinel', writeBehind: true, unreachable: [{ address: 'a:1', why: 'refused' }] },
    );
    const { findings, level } = examine(bad);
    expect(level).toBe('problem');
    const ill = findings.filter((finding) => finding.level !== 'ok');
    expect(ill.length).toBeGreaterThan(10);
    for (const { id, found, means, todo } of ill) {
      expect(found, id).toMatch(/\S/);
      expect(means, id).toMatch(/\.$/);
      expect(todo, id).toMatch(/[.)]$/);
    }
    // The worst first.
    const levels = findings.map((finding) => finding.level);
    expect(levels.lastIndexOf('problem')).toBeLessThan(levels.indexOf('ok'));
  });

  it('leaves out what is skipped', () => {
    const { findings } = examine(deploymentFacts({ info: { maxmemory: 0 } }), new Set(['maxmemory']));
    expect(findings.some(({ id }) => id === 'maxmemory')).toBe(false);
  });
});

describe('docs/guides/cli.md', () => {
  it('has a row for every check and for nothing else, and there is a file for each', () => {
    const text = readFileSync(new URL('../../../docs/guides/cli.md', import.meta.url), 'utf8');
    const [, table = ''] = text.split('<!-- checks -->');
    const documented = [...table.matchAll(/^\| `([a-z-]+)` /gm)].map(([, id]) => id);
    const ids = ALL_CHECKS.map(({ id }) => id);
    expect(documented).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
    const folder = new URL('../../../src/cli/doctor/checks/', import.meta.url);
    const files = new Set(readdirSync(folder));
    for (const id of ids) expect(files, id).toContain(`${id}.ts`);
  });
});

describe('docs/guides/production.md', () => {
  it('names no check that is not there', () => {
    const text = readFileSync(new URL('../../../docs/guides/production.md', import.meta.url), 'utf8');
    const named = [...text.matchAll(/check `([a-z-]+)`/g)].map(([, id]) => id);
    const ids = ALL_CHECKS.map(({ id }) => id);
    expect(named.length).toBeGreaterThan(10);
    for (const id of named) expect(ids).toContain(id);
  });
});
