import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { spawnGuarded } from '../../../servers/guard.js';

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('a guarded process', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tiercel-guard-'));
  });

  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it('tells its own pid, its exit code, and leaves what it printed in the log', async () => {
    const log = join(folder, 'printed.log');
    const child = await spawnGuarded('/bin/sh', ['-c', 'echo "$$ $WORD"; echo two >&2; exit 7'], {
      log,
      env: { WORD: "it's" },
    });
    expect(await child.exited).toEqual({ code: 7, signal: undefined });
    expect(await readFile(log, 'utf8')).toBe(`${child.pid} it's\ntwo\n`);
    expect(child.running).toBe(false);
    expect(child.kill('SIGTERM')).toBe(false);
  });

  it('stays through a stop, and tells the signal that ended it', async () => {
    const child = await spawnGuarded('sleep', ['60']);
    child.kill('SIGSTOP');
    await vi.waitFor(async () => expect(await readFile(`/proc/${child.pid}/stat`, 'utf8')).toContain(' T '));
    expect(child.running).toBe(true);
    child.kill('SIGCONT');
    child.kill('SIGTERM');
    expect(await child.exited).toEqual({ code: undefined, signal: 'SIGTERM' });
  });

  it('that cannot be run says so by its exit code and in the log', async () => {
    const log = join(folder, 'missing.log');
    const child = await spawnGuarded('/no/such/program', [], { log });
    expect((await child.exited).code).toBe(127);
    expect(await readFile(log, 'utf8')).toContain('/no/such/program');
  });

  it('whose working folder does not exist rejects', async () => {
    await expect(spawnGuarded('true', [], { cwd: '/no/such/folder' })).rejects.toThrow('ENOENT');
  });

  it('keeps its folder when it ends before its parent', async () => {
    const child = await spawnGuarded('true', [], { folder });
    await child.exited;
    expect(existsSync(folder)).toBe(true);
  });

  it.each([
    ['running', []],
    ['frozen', ['--frozen']],
  ])('that is %s dies with a parent that is killed, and its folder goes too', async (_state, flags) => {
    const script = fileURLToPath(new URL('redis-parent.ts', import.meta.url));
    const parent = spawn(process.execPath, ['--import', 'tsx', script, ...flags], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const { pid, dir } = JSON.parse(String(line)) as { pid: number; dir: string };
    expect(isAlive(pid)).toBe(true);
    expect(existsSync(dir)).toBe(true);

    parent.kill('SIGKILL');
    await once(parent, 'exit');
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: 1_500, interval: 10 });
    await vi.waitFor(() => expect(existsSync(dir)).toBe(false), { timeout: 1_500, interval: 10 });
  });
});
