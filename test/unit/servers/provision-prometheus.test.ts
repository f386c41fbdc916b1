import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Machine, RunResult } from '../../../servers/provision/machine.js';
import { findPrometheus } from '../../../servers/provision/prometheus.js';

const version = (program: string, number = '2.42.0'): RunResult => ({
  code: 0,
  output: `${basename(program)}, version ${number}+ds (branch: debian/sid, revision: 2.42.0+ds-5)`,
});

describe('finding Prometheus', () => {
  let cache: string;

  beforeEach(async () => {
    cache = await mkdtemp(join(tmpdir(), 'tiercel-provision-'));
  });
  afterEach(() => rm(cache, { recursive: true, force: true }));

  /** A machine with these programs, and with apt where `apt` says so; it remembers what was called. */
  function machineWith(programs: readonly string[], apt: boolean, env: Record<string, string> = {}) {
    const calls: string[] = [];
    const run: Machine['run'] = async (command, args, options) => {
      calls.push([basename(command), ...args].join(' '));
      if (programs.includes(command) || (command.startsWith(cache) && existsSync(command))) {
        return version(command);
      }
      if (!apt) return undefined;
      if (command === 'apt-get') {
        await writeFile(join(options?.cwd ?? '', 'prometheus_2.42.0_amd64.deb'), '');
        return { code: 0, output: '' };
      }
      if (command !== 'dpkg') return undefined;
      for (const program of ['prometheus', 'promtool']) {
        const file = join(args[2] ?? '', 'usr', 'bin', program);
        await mkdir(dirname(file), { recursive: true });
        await writeFile(file, '');
      }
      return { code: 0, output: '' };
    };
    return { machine: { env, cache, run } satisfies Machine, calls };
  }

  it('takes what the environment names, with the promtool beside it', async () => {
    const { machine } = machineWith(['/opt/prometheus', '/opt/promtool', 'prometheus', 'promtool'], false, {
      TIERCEL_PROMETHEUS: '/opt/prometheus',
    });
    const found = await findPrometheus(machine);
    expect(found).toMatchObject({ command: '/opt/prometheus', promtool: '/opt/promtool', version: '2.42.0' });
    expect(found.describe()).toBe('prometheus 2.42.0 from TIERCEL_PROMETHEUS');
  });

  it('refuses to replace what the environment names and that cannot be used', async () => {
    const { machine } = machineWith(['/opt/prometheus', 'prometheus', 'promtool'], false, {
      TIERCEL_PROMETHEUS: '/opt/prometheus',
    });
    await expect(findPrometheus(machine)).rejects.toThrow(
      'TIERCEL_PROMETHEUS cannot be used: there is no /opt/promtool',
    );
  });

  it('looks no further than the PATH where it is there', async () => {
    const { machine, calls } = machineWith(['prometheus', 'promtool'], true);
    expect((await findPrometheus(machine)).describe()).toBe('prometheus 2.42.0 from PATH');
    expect(calls).toEqual(['prometheus --version', 'promtool --version']);
  });

  it('unpacks the package into the cache, and takes it from there the next time', async () => {
    const { machine, calls } = machineWith([], true);
    const found = await findPrometheus(machine);
    expect(found.command).toBe(join(cache, 'prometheus', process.arch, 'usr', 'bin', 'prometheus'));
    expect(found.describe()).toBe('prometheus 2.42.0 from the project cache (.cache/prometheus)');
    expect(calls).toContain('apt-get download prometheus');
    calls.length = 0;
    await findPrometheus(machine);
    expect(calls.some((call) => call.startsWith('apt-get'))).toBe(false);
  });

  it('says what was tried and what helps, where there is none', async () => {
    const { machine } = machineWith([], false);
    await expect(findPrometheus(machine)).rejects.toThrow(
      /PATH: there is no prometheus\n {2}cache: .* does not exist\n {2}packages: there is no apt-get\n[^]*apt-get install prometheus/,
    );
  });
});
