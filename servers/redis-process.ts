import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { spawnGuarded, type ProcessExit } from './guard.js';
import { dockerArguments } from './provision/docker.js';
import type { RedisBinary } from './provision/redis-binary.js';
import { redisFiles } from './redis-config.js';

/** A running server program, whether it is our own child or in a container. */
export interface RedisProcess {
  readonly pid: number;
  readonly running: boolean;
  readonly exited: Promise<ProcessExit>;
  signal(signal: NodeJS.Signals): Promise<void>;
  /** Resolves when a SIGSTOP has taken effect, as far as the system tells. */
  stopped(): Promise<void>;
}

/** A signal is on its way when `kill` returns; on another core the process may answer one more command meanwhile. */
async function untilStopped(pid: number): Promise<void> {
  const status = `/proc/${pid}/stat`;
  while (existsSync(status)) {
    const text = await readFile(status, 'utf8').catch(() => '');
    // The state follows the name, which stands in brackets and may hold anything.
    const state = text.charAt(text.lastIndexOf(')') + 2);
    if (state === 'T' || state === 'Z' || state === '') return;
    await pause(1);
  }
}

/**
 * Starts the program with the configuration that is in `folder`; does not wait until it answers.
 *
 * @param args - further arguments; none in docker.
 */
export async function launchRedis(
  binary: RedisBinary,
  port: number,
  folder: string,
  args: readonly string[] = [],
): Promise<RedisProcess> {
  const config = join(folder, redisFiles.config);
  const common = {
    folder,
    cwd: folder,
    log: join(folder, redisFiles.log),
    env: { ...process.env, ...binary.env },
  };
  if (binary.source !== 'docker') {
    const child = await spawnGuarded(binary.command, [config, ...args], common);
    return {
      pid: child.pid,
      get running() {
        return child.running;
      },
      exited: child.exited,
      async signal(signal) {
        child.kill(signal);
      },
      stopped: () => untilStopped(child.pid),
    };
  }
  const name = `tiercel-redis-${randomBytes(6).toString('hex')}`;
  const client = await spawnGuarded(binary.command, dockerArguments(name, port, folder, config), {
    ...common,
    orphanCommand: `${binary.command} rm --force ${name}`,
  });
  return {
    pid: client.pid,
    get running() {
      return client.running;
    },
    exited: client.exited,
    // Signals must reach the server inside the container; its client passes on neither SIGKILL nor SIGSTOP.
    async signal(signal) {
      await once(spawn(binary.command, ['kill', `--signal=${signal}`, name], { stdio: 'ignore' }), 'exit');
    },
    stopped: async () => undefined,
  };
}
