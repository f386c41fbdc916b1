import { createCache } from 'tiercel';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRedisCluster, type RedisCluster } from '../../../servers/redis-cluster.js';
import { startSentinel } from '../../../servers/redis-sentinel.js';
import type { Diagnosis } from '../../../src/cli/doctor/examine.js';
import type { Finding } from '../../../src/cli/doctor/finding.js';
import { eventually } from '../../support/eventually.js';
import { Opened, PATIENT } from '../../support/open-cache.js';
import { redisCli } from '../../support/redis-cli.js';
import { createCertificate, startRedis } from '../../support/redis.js';
import { jsonOfCli, runCli } from '../../support/run-cli.js';

const GOOD = { maxmemory: '100mb', 'maxmemory-policy': 'allkeys-lfu' };

/** What the check said, of whichever server was worst. */
function finding({ findings }: Diagnosis, id: string): Finding {
  const found = findings.find((one) => one.id === id);
  if (!found) throw new Error(`the check ${id} said nothing: ${JSON.stringify(findings)}`);
  return found;
}

describe('tiercel doctor, of a server as it should be', { timeout: 60_000 }, () => {
  it('finds no problem, and ends with 0', async () => {
    await using redis = await startRedis({ config: GOOD });
    await using opened = new Opened();
    const cache = createCache({ redis: { url: redis.url, ...PATIENT }, namespace: 'shop' });
    opened.add(() => cache.close());
    await cache.set('a', 1);
    const diagnosis = await jsonOfCli<Diagnosis>(['doctor', '--url', redis.url]);
    expect(diagnosis.counts.problem, JSON.stringify(diagnosis.findings)).toBe(0);
    expect(diagnosis.counts.unknown).toBe(0);
    expect(finding(diagnosis, 'maxmemory')).toMatchObject({
      level: 'ok',
      figures: { maxmemory: 104_857_600 },
    });
    expect(finding(diagnosis, 'tracking-table').figures).toMatchObject({ limit: 1_000_000 });
    const ids = new Set(diagnosis.findings.map(({ id }) => id));
    expect(ids.size).toBe(18); // all but those of Clusters and of Sentinel
  });

  it('reads and changes nothing that the application would notice', async () => {
    await using redis = await startRedis({ config: GOOD });
    const cli = redisCli(redis.url);
    await cli.text('SET', 'k', 'v');
    const before = String(await cli.text('INFO', 'stats'));
    await jsonOfCli<Diagnosis>(['doctor', '--url', redis.url]);
    const commands = String(await cli.text('INFO', 'commandstats'));
    for (const name of ['keys', 'monitor', 'set', 'del', 'unlink', 'get']) {
      const calls = /calls=(\d+)/.exec(
        commands.split('\n').find((line) => line.startsWith(`cmdstat_${name}:`)) ?? '',
      );
      expect(Number(calls?.[1] ?? 0), name).toBe(name === 'set' ? 1 : 0);
    }
    expect(before).toContain('keyspace_hits:0');
  });
});

describe('tiercel doctor, of servers that are set up badly', { timeout: 60_000 }, () => {
  it('finds that nothing bounds the memory, and nothing is evicted', async () => {
    await using redis = await startRedis();
    const diagnosis = await jsonOfCli<Diagnosis>(['doctor', '--url', redis.url], 1);
    expect(diagnosis.level).toBe('problem');
    expect(finding(diagnosis, 'maxmemory')).toMatchObject({ level: 'problem', figures: { maxmemory: 0 } });
    expect(finding(diagnosis, 'eviction-policy')).toMatchObject({
      level: 'problem',
      found: 'maxmemory-policy is noeviction',
    });
    expect(finding(diagnosis, 'maxmemory').todo).toContain('maxmemory');
  });

  it('finds queues of writes that nothing keeps, and that may be evicted', async () => {
    await using redis = await startRedis({ config: GOOD });
    await using opened = new Opened();
    const cache = createCache({ redis: { url: redis.url, ...PATIENT }, namespace: 'shop' });
    opened.add(() => cache.close());
    const orders = cache.resource('orders', {
      load: async (id: number) => id,
      save: async () => undefined,
      write: 'behind',
    });
    await orders.save(1, 1);
    const diagnosis = await jsonOfCli<Diagnosis>(['doctor', '--url', redis.url], 1);
    expect(finding(diagnosis, 'persistence')).toMatchObject({
      level: 'problem',
      found: 'appendonly is no, and there are queues of writes to the database',
    });
    expect(finding(diagnosis, 'eviction-policy')).toMatchObject({ level: 'problem' });

    await redis.cli('CONFIG', 'SET', 'appendonly', 'yes');
    await redis.cli('CONFIG', 'SET', 'maxmemory-policy', 'volatile-lfu');
    const mended = await jsonOfCli<Diagnosis>(['doctor', '--url', redis.url]);
    expect(finding(mended, 'persistence')).toMatchObject({ level: 'ok' });
    expect(finding(mended, 'eviction-policy')).toMatchObject({ level: 'ok' });
  });

  it('takes queues for there that it is told of', async () => {
    await using redis = await startRedis({ config: GOOD });
    const diagnosis = await jsonOfCli<Diagnosis>(['doctor', '--url', redis.url, '--write-behind'], 1);
    expect(finding(diagnosis, 'persistence').level).toBe('problem');
  });

  it('finds a tracking table that is full', async () => {
    await using redis = await startRedis({ config: { ...GOOD, 'tracking-table-max-keys': '10' } });
    await using opened = new Opened();
    const cache = createCache({ redis: { url: redis.url, ...PATIENT }, namespace: 'shop' });
    opened.add(() => cache.close());
    for (let i = 0; i < 50; i++) await cache.set(`k${i}`, i);
    // The table is trimmed now and then, and not with each key.
    const found = await eventually(
      'the table to be told full',
      async () => {
        const run = await runCli(['doctor', '--url', redis.url, '--json']);
        const { level, figures } = finding(JSON.parse(run.stdout) as Diagnosis, 'tracking-table');
        return level === 'problem' && { code: run.code, figures };
      },
      15_000,
    );
    expect(found).toMatchObject({ code: 1, figures: { limit: 10 } });
  });

  it('finds that connections were refused', async () => {
    await using redis = await startRedis({ config: { ...GOOD, maxclients: '4' } });
    await using opened = new Opened();
    for (let i = 0; i < 3; i++) {
      const cache = createCache({ redis: { url: redis.url, ...PATIENT }, memory: false });
      opened.add(() => cache.close());
      await cache.ready();
    }
    const few = await jsonOfCli<Diagnosis>(['doctor', '--url', redis.url]);
    expect(finding(few, 'clients')).toMatchObject({
      level: 'warning',
      figures: { maxclients: 4, rejected: 0 },
    });

    const fourth = createCache({ redis: { url: redis.url, ...PATIENT }, memory: false });
    opened.add(() => fourth.close());
    await fourth.ready();
    const refused = await runCli(['doctor', '--url', redis.url, '--json', '--timeout', '1s']);
    expect(refused.code).toBe(1);
    expect(finding(JSON.parse(refused.stdout) as Diagnosis, 'reachable').level).toBe('problem');
    await fourth.close();
    const after = await jsonOfCli<Diagnosis>(['doctor', '--url', redis.url], 1);
    expect(finding(after, 'clients').level).toBe('problem');
    expect(finding(after, 'clients').figures?.['rejected']).toBeGreaterThan(0);
  });

  it('finds a server on the network without a password and without TLS', async () => {
    // An address that the machine does not have: the server says that it would listen there, and does not.
    const bind = '127.0.0.1 -192.0.2.1';
    await using redis = await startRedis({ config: { ...GOOD, bind, 'protected-mode': 'no' } });
    const open = await jsonOfCli<Diagnosis>(['doctor', '--url', redis.url], 1);
    expect(finding(open, 'access')).toMatchObject({ level: 'problem' });
    expect(finding(open, 'access').found).toContain('192.0.2.1');
    expect(finding(open, 'tls')).toMatchObject({ level: 'warning' });

    await using guarded = await startRedis({
      config: { ...GOOD, bind, requirepass: 'hushhush' },
      tls: createCertificate(),
    });
    const { url, dir } = guarded;
    const mended = await jsonOfCli<Diagnosis>(['doctor', '--url', url, '--tls-ca', `${dir}/ca.crt`]);
    expect(finding(mended, 'access')).toMatchObject({ level: 'ok' });
    expect(finding(mended, 'tls')).toMatchObject({ level: 'ok' });
    expect(JSON.stringify(mended)).not.toContain('hushhush');
  });

  it('finds a large key, and names it', async () => {
    await using redis = await startRedis({ config: GOOD });
    await redis.cli('SET', 'shop::films', Buffer.alloc(12 * 1024 * 1024));
    const diagnosis = await jsonOfCli<Diagnosis>(['doctor', '--url', redis.url], 1);
    expect(finding(diagnosis, 'big-keys')).toMatchObject({ level: 'problem' });
    expect(finding(diagnosis, 'big-keys').found).toContain('shop::films');
    expect(finding(diagnosis, 'big-keys').figures?.['largest']).toBeGreaterThan(12 * 1024 * 1024);
  });

  it('finds a command that held up the server, and does not repeat its arguments', async () => {
    await using redis = await startRedis({ config: GOOD });
    await redis.cli('DEBUG', 'SLEEP', '0.06');
    const run = await runCli(['doctor', '--url', redis.url, '--json']);
    expect(run.code).toBe(0);
    const slow = finding(JSON.parse(run.stdout) as Diagnosis, 'slow-log');
    expect(slow).toMatchObject({ level: 'warning', figures: { commands: 1 } });
    expect(slow.found).toContain('DEBUG');
    expect(run.stdout).not.toContain('0.06');
    const strict = await runCli(['doctor', '--url', redis.url, '--strict']);
    expect(strict.code).toBe(1);
    const skipped = await runCli([
      'doctor',
      '--url',
      redis.url,
      '--strict',
      '--skip',
      'slow-log',
      '--skip',
      'latency',
    ]);
    expect(skipped.code, skipped.stdout).toBe(0);
  });

  it('says what it was not allowed to ask', async () => {
    const acl = ['default off', 'app on >secret ~* &* +@all -config -slowlog -acl'];
    await using redis = await startRedis({ config: GOOD, acl });
    const env = { TIERCEL_REDIS_USERNAME: 'app', TIERCEL_REDIS_PASSWORD: 'secret' };
    const diagnosis = await jsonOfCli<Diagnosis>(['doctor', '--url', redis.url], 0, env);
    for (const id of ['tracking-table', 'slow-log', 'access']) {
      expect(finding(diagnosis, id), id).toMatchObject({
        level: 'unknown',
        found: expect.stringContaining('NOPERM'),
      });
    }
    expect(finding(diagnosis, 'maxmemory').level).toBe('ok');
  });

  it('says that nobody answers', async () => {
    const nowhere = ['doctor', '--url', 'redis://127.0.0.1:1', '--timeout', '500ms'];
    const diagnosis = await jsonOfCli<Diagnosis>(nowhere, 1);
    expect(diagnosis.findings.filter(({ level }) => level === 'problem').map(({ id }) => id)).toEqual([
      'reachable',
    ]);
  });
});

describe('tiercel doctor, of a Cluster', { timeout: 60_000 }, () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startRedisCluster({ primaries: 3, replicas: 1, node: { config: GOOD } });
  });
  afterAll(() => cluster.stop());

  const nodes = (): string => cluster.nodes.map(({ host, port }) => `${host}:${port}`).join(',');

  it('finds no problem where all is well, and then a slot that nobody has', async () => {
    const well = await jsonOfCli<Diagnosis>(['doctor', '--cluster', nodes()]);
    expect(well.counts.problem, JSON.stringify(well.findings)).toBe(0);
    expect(finding(well, 'cluster-slots')).toMatchObject({ level: 'ok', figures: { assigned: 16_384 } });
    expect(well.findings.filter(({ id }) => id === 'replicas')).toHaveLength(3);

    const [first] = cluster.nodes;
    await first?.cli('CLUSTER', 'DELSLOTS', '0');
    const ill = await jsonOfCli<Diagnosis>(['doctor', '--cluster', nodes()], 1);
    expect(finding(ill, 'cluster-slots')).toMatchObject({ level: 'problem', figures: { assigned: 16_383 } });
    expect(finding(ill, 'cluster-slots').found).toContain('1 of 16,384');
  });
});

describe('tiercel doctor, of a Cluster without one of its nodes', { timeout: 60_000 }, () => {
  it('says which one, and examines the others', async () => {
    await using broken = await startRedisCluster({ primaries: 3, replicas: 0 });
    const [first, second] = broken.nodes;
    await second?.kill();
    const args = ['doctor', '--cluster', `127.0.0.1:${first?.port}`, '--timeout', '20s'];
    const diagnosis = await jsonOfCli<Diagnosis>(args, 1);
    const gone = finding(diagnosis, 'reachable');
    expect(gone.level).toBe('problem');
    expect(gone.found).toContain(`127.0.0.1:${second?.port}`);
    expect(diagnosis.findings.filter(({ id }) => id === 'maxmemory')).toHaveLength(2);
    // What it means stands once for both.
    const { stdout } = await runCli(args);
    expect(stdout.match(/maxmemory is 0/g)).toHaveLength(2);
    expect(stdout.match(/until the system kills the server/g)).toHaveLength(1);
  });
});

describe('tiercel doctor, of Sentinel', { timeout: 60_000 }, () => {
  it('finds no problem where all is well, and then that nobody could take over', async () => {
    await using deployment = await startSentinel({ redis: { config: GOOD } });
    const sentinels = deployment.sentinels.map(({ host, port }) => `${host}:${port}`).join(',');
    const args = ['doctor', '--sentinel', `${deployment.name}@${sentinels}`];
    const well = await jsonOfCli<Diagnosis>(args);
    expect(well.counts.problem, JSON.stringify(well.findings)).toBe(0);
    expect(finding(well, 'sentinel-quorum')).toMatchObject({ level: 'ok', figures: { sentinels: 3 } });
    expect(finding(well, 'replicas')).toMatchObject({ level: 'ok', figures: { replicas: 1 } });

    const [primary, replica] = deployment.servers;
    await replica.kill();
    await eventually('the primary to have lost its replica', async () =>
      String(await primary.cli('INFO', 'replication')).includes('connected_slaves:0'),
    );
    const [one, two] = deployment.sentinels;
    await Promise.all([one?.kill(), two?.kill()]);
    const ill = await jsonOfCli<Diagnosis>(args, 1);
    expect(finding(ill, 'replicas')).toMatchObject({ level: 'problem', found: 'the primary has no replica' });
    expect(
      ill.findings.filter(({ id, level }) => id === 'sentinel-quorum' && level !== 'ok').length,
    ).toBeGreaterThan(1);
  });
});
