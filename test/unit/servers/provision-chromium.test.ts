import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findChromium } from '../../../servers/provision/chromium.js';
import type { Machine, RunResult } from '../../../servers/provision/machine.js';

const done = (output = ''): RunResult => ({ code: 0, output });
const failed = (output: string): RunResult => ({ code: 127, output });
const version = done('Chromium 138.0.7204.92 built on Debian GNU/Linux 12');
/** In what is unpacked. */
const program = join('usr', 'lib', 'chromium', 'chromium-headless-shell');
const library = join('usr', 'lib', 'x86_64-linux-gnu', 'libnss3.so');
const fonts = join('etc', 'fonts', 'fonts.conf');

interface Pretended {
  /** By their whole paths. */
  readonly programs?: Readonly<Record<string, RunResult>>;
  readonly apt?: boolean;
  /** Package lists of the machine. */
  readonly lists?: boolean;
  /** Whether the libraries that Chromium wants are installed. */
  readonly libraries?: boolean;
  /** Whether it gets to show a page where it is unpacked. */
  readonly works?: boolean;
  readonly env?: Record<string, string>;
}

describe('finding Chromium', () => {
  let cache: string;

  beforeEach(async () => {
    cache = await mkdtemp(join(tmpdir(), 'tiercel-provision-'));
  });
  afterEach(() => rm(cache, { recursive: true, force: true }));

  function machineWith(pretended: Pretended) {
    const { programs = {}, apt = false, lists = true, libraries = true, works = true, env = {} } = pretended;
    const calls: string[] = [];
    const run: Machine['run'] = async (command, args, options = {}) => {
      calls.push([basename(command), ...args].join(' '));
      if (programs[command]) return programs[command];
      if (command.startsWith(cache) && existsSync(command)) return unpacked(args, options.env ?? {});
      if (!apt) return undefined;
      if (command === 'dpkg') return unpack(args[1] ?? '', args[2] ?? '');
      if (command !== 'apt-get') return undefined;
      if (args.includes('update')) return done();
      if (!lists && !args.some((arg) => arg.startsWith('Dir::State::lists='))) {
        return failed('E: Unable to locate package chromium-headless-shell');
      }
      if (args.includes('--print-uris')) {
        return done(`The following NEW packages will be installed:
'http://deb.example/c/chromium/chromium-headless-shell_138_amd64.deb' chromium-headless-shell_138_amd64.deb 64043120 SHA256:0
'http://deb.example/n/nss/libnss3_2%3a3.87_amd64.deb' libnss3_2%3a3.87_amd64.deb 1330556 SHA256:0
'http://deb.example/f/fontconfig/fontconfig-config_2_amd64.deb' fontconfig-config_2_amd64.deb 314864 SHA256:0
'http://deb.example/g/glibc/libc6_2.36_amd64.deb' libc6_2.36_amd64.deb 2759320 SHA256:0`);
      }
      const names = args.slice(args.indexOf('download') + 1);
      await Promise.all(names.map((name) => writeFile(join(options.cwd ?? '', `${name}_1_amd64.deb`), '')));
      return done();
    };
    const unpacked = (args: readonly string[], given: Readonly<Record<string, string | undefined>>) => {
      const folders = given['LD_LIBRARY_PATH']?.split(':') ?? [];
      const linked = libraries || folders.some((folder) => existsSync(join(folder, 'libnss3.so')));
      if (!linked) return failed('error while loading shared libraries: libnss3.so: cannot open');
      if (args.includes('--version')) return version;
      return works
        ? done('<html><body><p>shown</p></body></html>')
        : failed('Invalid file descriptor to ICU');
    };
    return { machine: { env, cache, run } satisfies Machine, calls };
  }

  async function unpack(archive: string, root: string): Promise<RunResult> {
    const files: Record<string, string> = {
      'chromium-headless-shell': program,
      libnss3: library,
      'fontconfig-config': fonts,
    };
    const file = files[basename(archive).split('_')[0] ?? ''];
    if (file === undefined) return done();
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), '');
    return done();
  }

  /** A PATH of two folders, of which the second has files of these names. */
  async function pathWith(...names: string[]): Promise<{ bin: string; PATH: string }> {
    const bin = join(cache, 'bin');
    await mkdir(bin);
    await Promise.all(names.map((name) => writeFile(join(bin, name), '')));
    return { bin, PATH: `/nothing/there${delimiter}${bin}` };
  }

  it('takes what the environment names, and nothing else where that cannot be used', async () => {
    const { bin, PATH } = await pathWith('chromium');
    const programs = { '/opt/chromium': version, [join(bin, 'chromium')]: version };
    const { machine } = machineWith({ programs, env: { PATH, CHROMIUM: '/opt/chromium' } });
    expect((await findChromium(machine)).describe()).toBe('Chromium 138.0.7204.92 from CHROMIUM');
    const { machine: other } = machineWith({ programs, env: { PATH, CHROMIUM: '/opt/none' } });
    await expect(findChromium(other)).rejects.toThrow('CHROMIUM cannot be used: there is no /opt/none');
  });

  it('takes one of the PATH, by its whole path, that is more than a hint at another package', async () => {
    const { bin, PATH } = await pathWith('chromium-browser', 'google-chrome');
    const { machine, calls } = machineWith({
      programs: {
        [join(bin, 'chromium-browser')]: { code: 1, output: 'Command requires the chromium snap 1.2.3.' },
        [join(bin, 'google-chrome')]: done('Google Chrome 141.0.7390.54'),
      },
      apt: true,
      env: { PATH },
    });
    const found = await findChromium(machine);
    expect(found).toMatchObject({ command: join(bin, 'google-chrome'), version: '141.0.7390.54', env: {} });
    expect(calls).toEqual(['chromium-browser --version', 'google-chrome --version']);
  });

  it('unpacks its packages into the cache, and takes it from there the next time', async () => {
    const { machine, calls } = machineWith({ apt: true });
    const found = await findChromium(machine);
    expect(found.command).toBe(join(cache, 'chromium', process.arch, program));
    expect(found.describe()).toBe('Chromium 138.0.7204.92 from the project cache (.cache/chromium)');
    expect(calls).toContain('apt-get download chromium-headless-shell chromium-common');
    calls.length = 0;
    expect(await findChromium(machine)).toMatchObject({ command: found.command });
    expect(calls.some((call) => call.startsWith('apt-get'))).toBe(false);
  });

  it.each([true, false])(
    'fetches the libraries that are missing, and their fonts; with package lists: %s',
    async (lists) => {
      const { machine, calls } = machineWith({ apt: true, lists, libraries: false });
      const { env } = await findChromium(machine);
      const root = join(cache, 'chromium', process.arch);
      expect(env).toEqual({
        LD_LIBRARY_PATH: join(root, dirname(library)),
        FONTCONFIG_SYSROOT: root,
      });
      // Not the C library, which has to be that of the machine.
      expect(calls.findLast((call) => call.endsWith('libnss3 fontconfig-config'))).toMatch(
        /download chromium-headless-shell libnss3 fontconfig-config$/,
      );
      expect(calls.filter((call) => call.endsWith(' update'))).toHaveLength(lists ? 0 : 1);
    },
  );

  it('does not take one that tells its version and shows no page, and says what helps', async () => {
    const { machine } = machineWith({ apt: true, works: false });
    await expect(findChromium(machine)).rejects.toThrow(
      /PATH: there is no chromium, nor [^]*packages: .* shows no page: Invalid file descriptor to ICU\n[^]*apt-get install .*chromium\n[^]*CHROMIUM=/,
    );
    expect(existsSync(join(cache, 'chromium', process.arch))).toBe(false);
  });

  it('says what was tried and what helps, where there is no apt', async () => {
    const { machine } = machineWith({});
    await expect(findChromium(machine)).rejects.toThrow(
      /cache: .* does not exist\n {2}packages: there is no apt-get\n[^]*apt-get install .*chromium/,
    );
  });
});
