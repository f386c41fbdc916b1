import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const run = promisify(execFile);
const MAIN = fileURLToPath(new URL('../../../soak/main.ts', import.meta.url));

describe('a process in which caches come and go', () => {
  it('holds no more memory, handles, listeners and connections than before', async () => {
    const args = [
      '--expose-gc',
      '--conditions=@tiercel/source',
      '--import',
      'tsx',
      MAIN,
      '--minutes',
      '0.15',
    ];
    const { stdout } = await run(process.execPath, args).catch(
      (error: { stdout: string; stderr: string }) => {
        throw new Error(`${error.stdout}\n${error.stderr}`);
      },
    );
    expect(stdout).toContain('nothing leaks');
  }, 120_000);
});
