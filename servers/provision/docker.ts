import type { Machine } from './machine.js';
import { examine, type Found } from './redis-binary.js';

const image = 'redis:7';

/** A server in a container, where a docker daemon answers. */
export async function fromDocker(machine: Machine): Promise<Found> {
  const info = await machine.run('docker', ['info'], { timeout: 10_000 });
  if (info === undefined) return { missing: 'there is no docker' };
  if (info.code !== 0) return { missing: `docker info: ${info.output.trim().split('\n').at(-1) ?? ''}` };
  const found = await examine(machine, {
    command: 'docker',
    args: ['run', '--rm', image, 'redis-server'],
    source: 'docker',
    place: `docker (${image})`,
  });
  return found;
}

/** The arguments that run `redis-server <config>` in a container which sees `folder` under the same path. */
export function dockerArguments(name: string, port: number, folder: string, config: string): string[] {
  const user = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`;
  return [
    ['run', '--rm', '--name', name, '--user', user],
    ['--publish', `127.0.0.1:${port}:${port}`],
    ['--volume', `${folder}:${folder}`],
    // The published port arrives from the container's own network, not from its loopback.
    [image, 'redis-server', config, '--bind', '0.0.0.0', '--protected-mode', 'no'],
  ].flat();
}
