import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { thisMachine } from '../../../servers/provision/machine.js';

describe('running commands on this machine', () => {
  it('tells a command that fails from one that is missing, and one that hangs is ended', async () => {
    expect(await thisMachine.run('sh', ['-c', 'echo out; echo err >&2; exit 3'])).toEqual({
      code: 3,
      output: 'out\nerr\n',
    });
    expect(await thisMachine.run('no-such-command', [])).toBeUndefined();
    const hung = await thisMachine.run('sleep', ['60'], { timeout: 20 });
    expect(hung).toEqual({ code: -1, output: '\nended by SIGKILL' });
  });

  // The timer of a command that could not be started once kept whole test runs from ending.
  it('keeps no process alive after asking for a missing command', async () => {
    const machine = new URL('../../../servers/provision/machine.ts', import.meta.url).href;
    const program = `const { thisMachine } = await import('${machine}'); await thisMachine.run('no-such-command', []);`;
    const node = ['--import', 'tsx', '--input-type=module', '--eval', program];
    await expect(promisify(execFile)(process.execPath, node, { timeout: 15_000 })).resolves.toBeDefined();
  });
});
