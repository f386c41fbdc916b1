import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const project = fileURLToPath(new URL('../../..', import.meta.url));

/** A process, told from a later one with the same number by when it started. */
interface SeenProcess {
  readonly pid: number;
  readonly parent: number;
  readonly started: string;
  readonly command: string;
}

async function allProcesses(): Promise<SeenProcess[]> {
  const { stdout } = await promisify(execFile)('ps', ['-eo', 'pid=,ppid=,lstart=,args=']);
  return stdout.split('\n').flatMap((line) => {
    const match =
      /^\s*(?<pid>\d+)\s+(?<parent>\d+)\s+(?<started>\S+ +\S+ +\S+ +\S+ +\S+) +(?<command>.*)$/.exec(line);
    const { pid, parent, started = '', command = '' } = match?.groups ?? {};
    return pid === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), started, command }];
  });
}

/** `npm run demo` in a process of its own, with a temporary folder of its own. */
export class DemoProcess {
  readonly #child: ChildProcess;
  readonly #temporary: string;
  #output = '';
  readonly #exited: Promise<unknown[]>;

  private constructor(child: ChildProcess, temporary: string) {
    this.#child = child;
    this.#temporary = temporary;
    this.#exited = once(child, 'exit');
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.#output += text));
    }
  }

  static async start(...args: string[]): Promise<DemoProcess> {
    const temporary = await mkdtemp(join(tmpdir(), 'demo-test-'));
    // Root's server runs as another user, who may have to come in.
    await chmod(temporary, 0o755);
    const child = spawn(
      process.execPath,
      ['--conditions=@tiercel/source', '--import', 'tsx', 'demo/main.ts', ...args],
      { cwd: project, env: { ...process.env, TMPDIR: temporary }, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    return new DemoProcess(child, temporary);
  }

  get output(): string {
    return this.#output;
  }

  /** Resolves when this is printed. Rejects when the demo ends without. */
  async printed(text: string): Promise<void> {
    while (!this.#output.includes(text)) {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
        throw new Error(`The demo ended without printing '${text}':\n${this.#output}`);
      }
      await Promise.race([this.#exited, delay(20)]);
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async exit(): Promise<number | null> {
    await this.#exited;
    return this.#child.exitCode;
  }

  /** The processes that it has started, and those that they have. */
  async descendants(): Promise<SeenProcess[]> {
    const all = await allProcesses();
    const found: SeenProcess[] = [];
    let parents = new Set([this.#child.pid]);
    while (parents.size > 0) {
      const children = all.filter(({ parent }) => parents.has(parent));
      found.push(...children);
      parents = new Set(children.map(({ pid }) => pid));
    }
    return found;
  }

  /** Of these processes, those that are still there; they get up to 10 s to go. */
  async survivorsOf(seen: readonly SeenProcess[]): Promise<SeenProcess[]> {
    const deadline = performance.now() + 10_000;
    for (;;) {
      const all = await allProcesses();
      const alive = seen.filter(({ pid, started }) =>
        all.some((now) => now.pid === pid && now.started === started),
      );
      if (alive.length === 0 || performance.now() > deadline) return alive;
      await delay(50);
    }
  }

  /** What it left in its temporary folder, other than what is kept on purpose: compiled code, and the data. */
  async leftovers(): Promise<string[]> {
    const names = await readdir(this.#temporary);
    return names.filter((name) => !name.startsWith('tsx-') && !name.startsWith('tiercel-postgres-'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
    await rm(this.#temporary, { recursive: true, force: true });
  }
}
