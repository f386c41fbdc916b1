import { cpus, loadavg, release, totalmem, type } from 'node:os';
import type { RedisServer } from '../../servers/redis.js';

export interface Environment {
  readonly date: string;
  readonly command: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly os: string;
  readonly node: string;
  readonly redis: string;
  /** Running processes, mean of the last minute, when the bench began: what else the machine was doing. */
  readonly loadBefore: number;
}

export async function describeEnvironment(
  server: RedisServer,
  program = 'npm run bench',
): Promise<Environment> {
  const info = String(await server.cli('INFO', 'server'));
  const all = cpus();
  return {
    date: new Date().toISOString(),
    command: [`${program} --`, ...process.argv.slice(2)].join(' ').replace(/ --$/, ''),
    cpu: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    os: `${type()} ${release()}`,
    node: process.version,
    redis: /^(?:valkey|redis)_version:(\S+)/m.exec(info)?.[1] ?? 'unknown',
    loadBefore: loadavg()[0] ?? 0,
  };
}
