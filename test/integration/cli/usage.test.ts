import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCertificate, sharedRedisUrl, startRedis, type RedisServer } from '../../support/redis.js';
import { runCli, runHere } from '../../support/run-cli.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const COMMANDS = ['stats', 'top', 'hot', 'keys', 'inspect', 'memory', 'invalidate', 'dead-letters', 'doctor'];

describe('tiercel', () => {
  it('tells of its commands, and of the options of each', async () => {
    const { code, stdout } = await runCli(['--help']);
    expect(code).toBe(0);
    for (const name of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${name}\\b`, 'm'));
    for (const name of COMMANDS.filter((one) => one !== 'dead-letters')) {
      const help = await runHere([name, '--help']);
      expect(help.code).toBe(0);
      for (const option of ['--json', '--url', '--cluster', '--sentinel', '--tls-ca', '--username']) {
        expect(help.stdout, name).toContain(`${option} `);
      }
    }
  });

  it('tells its version', async () => {
    const manifest = await readFile(new URL('../../../package.json', import.meta.url), 'utf8');
    const { version } = JSON.parse(manifest) as { version: string };
    expect(await runCli(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it.each([
    [['stast'], "unknown command 'stast'"],
    [['stats', '--nmaespace', 'x'], "unknown option '--nmaespace'"],
    [['stats', '--max-keys', 'many'], "'many'"],
    [['stats', '--max-keys', '0'], 'at least 1'],
    [['stats', '--time', '-1s'], '--time'],
    [['stats', '--timeout', '5 minutes'], "'5 minutes'"],
    [['stats', '--url', 'http://localhost'], "'http://'"],
    [['stats', '--cluster', 'a:1', '--url', 'redis://b'], 'exclude each other'],
    [['stats', '--cluster', 'a:1', '--sentinel', 'm@b:1'], 'exclude each other'],
    [['stats', '--cluster', 'a:99999'], "'a:99999'"],
    [['stats', '--cluster', 'a:1,,b:1'], "got ''"],
    [['stats', '--cluster', 'a:1', '--database', '2'], 'database 0 only'],
    [['stats', '--sentinel', 'a:1'], "got 'a:1'"],
    [['stats', '--tls-ca', '/no/such/file'], "'/no/such/file'"],
    [['stats', '--dashboard', 'ftp://x'], "'ftp://x'"],
    [['keys', '--limit', '1.5'], "'1.5'"],
    [['inspect'], "missing required argument 'key'"],
    [['inspect', ''], 'non-empty'],
    [['inspect', 'k', '--namespace', 'a::b'], "'a::b'"],
    [['inspect', 'k', '--namespace', 'a%b'], "'a%b'"],
    [['doctor', '--skip', 'no-such-check'], "'no-such-check'"],
    [['dead-letters', 'replay', '--queue', 'q'], 'name the letters'],
  ])('refuses %j: code 2, and the value that is wrong', async (args, message) => {
    const run = await runHere(args);
    expect(run.code, run.stderr).toBe(2);
    expect(run.stdout).toBe('');
    expect(run.stderr).toContain(message);
  });

  it('never repeats a secret', async () => {
    const wrong = ['redis://:hush/x@host', 'http://user:hush@host'];
    for (const url of wrong) {
      const run = await runHere(['stats', '--url', url]);
      expect(run.code).toBe(2);
      expect(run.stderr).not.toContain('hush');
    }
    for (const option of ['--cluster', '--sentinel']) {
      const run = await runHere(['stats', option, 'main@user:hush@host:1']);
      expect(run.code, run.stderr).toBe(2);
      expect(run.stderr).not.toContain('hush');
    }
    const away = await runHere(['stats', '--url', 'redis://:hush@127.0.0.1:1', '--timeout', '300ms']);
    expect(away.code).toBe(3);
    expect(away.stderr).not.toContain('hush');
  });

  it.each(COMMANDS.filter((name) => name !== 'doctor'))(
    '%s ends with 3 where Redis cannot be reached',
    async (name) => {
      const given: Record<string, string[]> = { inspect: ['k'], invalidate: ['k'], 'dead-letters': ['list'] };
      const run = await runHere([
        name,
        ...(given[name] ?? []),
        '--url',
        'redis://127.0.0.1:1',
        '--timeout',
        '300ms',
      ]);
      expect(run).toMatchObject({ code: 3, stdout: '' });
      expect(run.stderr).toMatch(/^tiercel: .*127\.0\.0\.1:1/);
    },
  );

  it('reads where Redis is from the environment, and the command line wins', async () => {
    const url = sharedRedisUrl();
    const env = { TIERCEL_REDIS_URL: url };
    expect(await runCli(['stats', '--max-keys', '1'], env)).toMatchObject({ code: 0 });
    expect(await runCli(['stats', '--url', 'redis://127.0.0.1:1', '--timeout', '300ms'], env)).toMatchObject({
      code: 3,
    });
    const cluster = await runCli(['stats', '--cluster', '127.0.0.1:1', '--timeout', '300ms'], env);
    expect(cluster).toMatchObject({ code: 3 });
  }, 60_000);

  it('ends well when whoever reads its output leaves early', async () => {
    await using own = await startRedis();
    // More than a pipe takes at once.
    await own.cli('DEBUG', 'POPULATE', '5000', 'k', '10');
    const program = '--conditions=@tiercel/source --import tsx src/cli/bin.ts';
    const command = `"${process.execPath}" ${program} keys --url ${own.url} --limit 5000 --json | head -c 1`;
    const run = await promisify(execFile)('sh', ['-c', command], { cwd: root });
    expect(run).toEqual({ stdout: '{', stderr: '' });
  });
});

describe('tiercel, where Redis wants TLS and a login', () => {
  let redis: RedisServer;
  let folder: string;
  let ca: string;
  beforeAll(async () => {
    const tls = createCertificate();
    redis = await startRedis({ tls, acl: ['default off', 'app on >pass:word ~* &* +@all'] });
    folder = await mkdtemp(join(tmpdir(), 'tiercel-cli-'));
    ca = join(folder, 'ca.pem');
    await writeFile(ca, tls.ca);
  });
  afterAll(async () => {
    await redis.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('takes the login from the environment, so that it need not stand on the command line', async () => {
    const url = `redis://127.0.0.1:${redis.port}`;
    const args = ['stats', '--url', url, '--tls-ca', ca, '--timeout', '20s'];
    const env = { TIERCEL_REDIS_USERNAME: 'app', TIERCEL_REDIS_PASSWORD: 'pass:word' };
    expect(await runCli(args, env)).toMatchObject({ code: 0 });
    const wrong = await runCli(args, { ...env, TIERCEL_REDIS_PASSWORD: 'hush' });
    expect(wrong).toMatchObject({ code: 3, stdout: '' });
    expect(wrong.stderr).toContain('WRONGPASS');
    expect(wrong.stderr).not.toContain('hush');
    const unknown = await runCli(['stats', '--url', url, '--tls', '--timeout', '20s'], env);
    expect(unknown).toMatchObject({ code: 3 });
    expect(unknown.stderr).toContain('self-signed');
  }, 60_000);
});
