import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Machine, RunResult } from '../../../servers/provision/machine.js';
import { findRedis, redisUrlFromEnvironment } from '../../../servers/provision/redis.js';

type Answer = (args: readonly string[], cwd: string) => Promise<RunResult | undefined>;

const version = (text: string): RunResult => ({
  code: 0,
  output: `${text} sha=00000000:0 malloc=jemalloc bits=64`,
});
const redis = (number: string): Answer => {
  return async () => version(`Redis server v=${number}`);
};
const failed = (output: string): RunResult => ({ code: 100, output });

const download: Answer = async (args, cwd) => {
  const names = args.slice(args.indexOf('download') + 1);
  await Promise.all(names.map((name) => writeFile(join(cwd, `${name}_1_amd64.deb`), '')));
  return { code: 0, output: '' };
};

const unpack: Answer = async ([, , root = '']) => {
  const program = join(root, 'usr', 'bin', 'redis-server');
  await mkdir(join(root, 'usr', 'lib', 'x86_64-linux-gnu'), { recursive: true });
  await mkdir(dirname(program), { recursive: true });
  await writeFile(program, '');
  return { code: 0, output: '' };
};

const aptWithoutLists: Answer = async (args, cwd) => {
  if (args[0] === 'download') return failed('E: Unable to locate package redis-server');
  return args.includes('update') ? { code: 0, output: '' } : download(args, cwd);
};

const dockerDaemon: Answer = async ([verb]) =>
  verb === 'info' ? { code: 0, output: '' } : version('Redis server v=7.4.2');

describe('finding a Redis server program', () => {
  let cache: string;

  beforeEach(async () => {
    cache = await mkdtemp(join(tmpdir(), 'tiercel-provision-'));
  });

  afterEach(async () => {
    await rm(cache, { recursive: true, force: true });
  });

  /** A machine that has only the commands named, and remembers which were called. */
  function machineWith(commands: Record<string, Answer>, env: Record<string, string> = {}) {
    const calls: string[] = [];
    const machine: Machine = {
      env,
      cache,
      async run(command, args, options) {
        calls.push([basename(command), ...args].join(' '));
        return commands[command]?.(args, options?.cwd ?? '');
      },
    };
    return { machine, calls };
  }

  /** Runs whatever was unpacked into the cache, wherever it lies; answers as the library path decides. */
  function machineWithApt(apt: Answer, commands: Record<string, Answer> = {}) {
    const { machine, calls } = machineWith({ ...commands, 'apt-get': apt, dpkg: unpack });
    const environments: (string | undefined)[] = [];
    const run: Machine['run'] = async (command, args, options) => {
      if (command.startsWith(cache) && existsSync(command)) {
        environments.push(options?.env?.['LD_LIBRARY_PATH']);
        return version('Redis server v=7.0.15');
      }
      return machine.run(command, args, options);
    };
    return { machine: { ...machine, run }, calls, environments };
  }

  it('takes the program the environment names before the one on the PATH', async () => {
    const env = { TIERCEL_REDIS_SERVER: '/opt/redis/redis-server' };
    const { machine } = machineWith(
      { '/opt/redis/redis-server': redis('7.4.1'), 'redis-server': redis('7.0.0') },
      env,
    );
    const found = await findRedis(machine);
    expect(found).toMatchObject({
      command: '/opt/redis/redis-server',
      version: '7.4.1',
      source: 'environment',
    });
    expect(found.describe()).toBe('redis-server 7.4.1 from TIERCEL_REDIS_SERVER');
  });

  it('refuses to replace a program the environment names and that cannot be used', async () => {
    const env = { TIERCEL_REDIS_SERVER: '/opt/old' };
    const { machine, calls } = machineWith(
      { '/opt/old': redis('6.2.7'), 'redis-server': redis('7.0.0') },
      env,
    );
    await expect(findRedis(machine)).rejects.toThrow(
      /TIERCEL_REDIS_SERVER cannot be used: .* version 6\.2\.7/,
    );
    expect(calls).toEqual(['old --version']);
  });

  it('takes redis-server from the PATH and looks no further', async () => {
    const { machine, calls } = machineWith({ 'redis-server': redis('7.0.0') });
    expect((await findRedis(machine)).describe()).toBe('redis-server 7.0.0 from PATH');
    expect(calls).toEqual(['redis-server --version']);
  });

  it('accepts Valkey where redis-server is too old', async () => {
    const { machine } = machineWith({
      'redis-server': redis('6.0.16'),
      'valkey-server': async () => version('Valkey server v=8.0.1'),
    });
    const found = await findRedis(machine);
    expect(found).toMatchObject({
      command: 'valkey-server',
      product: 'valkey',
      version: '8.0.1',
      source: 'path',
    });
  });

  it('downloads packages into the cache and finds them there the next time', async () => {
    const { machine, calls, environments } = machineWithApt(download);
    const first = await findRedis(machine);
    expect(first.source).toBe('download');
    expect(first.env['LD_LIBRARY_PATH']).toBe(
      join(cache, 'redis', process.arch, 'usr', 'lib', 'x86_64-linux-gnu'),
    );
    expect(environments.at(-1)).toBe(first.env['LD_LIBRARY_PATH']);

    const before = calls.filter((call) => call.startsWith('apt-get')).length;
    const second = await findRedis(machine);
    expect(second).toMatchObject({ command: first.command, source: 'cache' });
    expect(second.describe()).toBe('redis-server 7.0.15 from the project cache (.cache/redis)');
    expect(calls.filter((call) => call.startsWith('apt-get'))).toHaveLength(before);
  });

  it('survives two downloads at once and leaves nothing half done', async () => {
    const { machine } = machineWithApt(download);
    const found = await Promise.all([findRedis(machine), findRedis(machine), findRedis(machine)]);
    expect(new Set(found.map((one) => one.command)).size).toBe(1);
    expect(await readdir(join(cache, 'redis'))).toEqual([process.arch]);
  });

  it('replaces what is in the cache and does not run', async () => {
    const root = join(cache, 'redis', process.arch);
    await mkdir(join(root, 'broken'), { recursive: true });
    const { machine } = machineWithApt(download);
    expect(await findRedis(machine)).toMatchObject({ source: 'download' });
    expect(existsSync(join(root, 'broken'))).toBe(false);
    expect(await readdir(join(cache, 'redis'))).toEqual([process.arch]);
  });

  it('fetches package lists of its own where the machine has none', async () => {
    const { machine, calls } = machineWithApt(aptWithoutLists);
    expect(await findRedis(machine)).toMatchObject({ source: 'download' });
    const update = calls.find((call) => call.endsWith(' update')) ?? '';
    expect(update).toContain(`Dir::State::lists=${join(cache, 'redis', '.unpack-')}`);
    expect(update).toContain(`Dir::Cache=${join(cache, 'redis', '.unpack-')}`);
  });

  it('fetches the libraries a small image lacks', async () => {
    let complete = false;
    const { machine } = machineWith({
      dpkg: unpack,
      'apt-get': async (args, cwd) => {
        complete ||= args.includes('libssl3');
        return download(args, cwd);
      },
      'apt-cache': async () => ({ code: 0, output: 'redis-tools\n  Depends: libc6\n  Depends: libssl3\n' }),
    });
    const run: Machine['run'] = async (command, args, options) => {
      if (!command.startsWith(cache)) return machine.run(command, args, options);
      return complete
        ? version('Redis server v=7.0.15')
        : {
            code: 127,
            output: 'error while loading shared libraries: libssl.so.3: cannot open shared object file',
          };
    };
    expect(await findRedis({ ...machine, run })).toMatchObject({ source: 'download', version: '7.0.15' });
  });

  it('uses docker only where its daemon answers, after everything else', async () => {
    const { machine, calls } = machineWith({ docker: dockerDaemon });
    const found = await findRedis(machine);
    expect(found).toMatchObject({ command: 'docker', version: '7.4.2', source: 'docker' });
    expect(calls.slice(0, 2)).toEqual(['redis-server --version', 'valkey-server --version']);
    expect(calls.some((call) => call.startsWith('apt-get download'))).toBe(true);
  });

  it('ends with what was tried and three commands that help', async () => {
    const { machine } = machineWith({
      'redis-server': redis('5.0.3'),
      'apt-get': async () => failed('E: could not reach the mirror'),
      docker: async () => failed('Cannot connect to the Docker daemon'),
    });
    const message = await findRedis(machine).then(
      () => '',
      (error: unknown) => (error as Error).message,
    );
    expect(message).toContain('redis-server is version 5.0.3, and 7.0 or later is needed');
    expect(message).toContain('could not reach the mirror');
    expect(message).toContain('Cannot connect to the Docker daemon');
    expect(message).toContain('sudo apt-get install redis-server');
    expect(message).toContain('export TIERCEL_REDIS_SERVER=');
    expect(message).toContain('docker pull redis:7');
    expect(message).toContain('TIERCEL_REDIS_URL=redis://');
    expect(existsSync(join(cache, 'redis')) ? await readdir(join(cache, 'redis')) : []).toEqual([]);
  });

  it('keeps the address of a running server apart: it is nothing to stop and kill', async () => {
    const env = { TIERCEL_REDIS_URL: 'redis://127.0.0.1:6379' };
    const { machine } = machineWith({ 'redis-server': redis('7.2.5') }, env);
    expect(redisUrlFromEnvironment(machine)).toBe('redis://127.0.0.1:6379');
    expect(await findRedis(machine)).toMatchObject({ source: 'path' });
    expect(redisUrlFromEnvironment({ ...machine, env: { TIERCEL_REDIS_URL: '' } })).toBeUndefined();
  });
});
