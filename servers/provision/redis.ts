import { directDependencies, fromAptCache, fromAptDownload, type AptProgram } from './apt-program.js';
import { fromDocker } from './docker.js';
import { thisMachine, type Machine } from './machine.js';
import { examine, type Found, type RedisBinary } from './redis-binary.js';

/** The address of a server that already runs, which the user wants the shared suites to use. */
export function redisUrlFromEnvironment(machine: Machine = thisMachine): string | undefined {
  return machine.env['TIERCEL_REDIS_URL'] || undefined;
}

/**
 * `redis-server` is a link to `redis-check-rdb`, which is in redis-tools. What these need beside themselves is normally
 * installed.
 */
const REDIS: AptProgram<RedisBinary> = {
  name: 'redis',
  packages: ['redis-server', 'redis-tools', 'libatomic1', 'libjemalloc2', 'liblzf1'],
  program: 'usr/bin/redis-server',
  libraries: directDependencies('redis-tools'),
  examine,
};

async function fromPath(machine: Machine): Promise<Found> {
  const reasons: string[] = [];
  for (const command of ['redis-server', 'valkey-server']) {
    const found = await examine(machine, { command, source: 'path', place: 'PATH' });
    if (!('missing' in found)) return found;
    reasons.push(found.missing);
  }
  return { missing: reasons.join('; ') };
}

/**
 * Finds a Redis or Valkey server program, version 7.0 or later, in this order:
 *
 * 1. `TIERCEL_REDIS_SERVER` in the environment (a wish: if it cannot be used, nothing else is tried);
 * 2. `redis-server` or `valkey-server` on the PATH;
 * 3. the project's cache, `.cache/redis`;
 * 4. the distribution's packages, downloaded and unpacked into that cache;
 * 5. docker.
 *
 * `TIERCEL_REDIS_URL`, which names a server that already runs, does not come in here: whoever asks for a program wants a
 * server to stop, freeze and kill, and must not do that to somebody's.
 *
 * @throws Error with what was tried, and three commands of which any one helps.
 */
export async function findRedis(machine: Machine): Promise<RedisBinary> {
  const wish = machine.env['TIERCEL_REDIS_SERVER'];
  if (wish) {
    const found = await examine(machine, {
      command: wish,
      source: 'environment',
      place: 'TIERCEL_REDIS_SERVER',
    });
    if ('missing' in found) throw new Error(`TIERCEL_REDIS_SERVER cannot be used: ${found.missing}`);
    return found;
  }
  const places = {
    PATH: fromPath,
    cache: (on: Machine) => fromAptCache(on, REDIS),
    packages: (on: Machine) => fromAptDownload(on, REDIS),
    docker: fromDocker,
  };
  const reasons: string[] = [];
  for (const [name, search] of Object.entries(places)) {
    const found = await search(machine);
    if (!('missing' in found)) return found;
    reasons.push(`  ${name}: ${found.missing}`);
  }
  throw new Error(
    [
      'No Redis server, version 7.0 or later, was found, and these tests need a real one.',
      ...reasons,
      'Any one of these helps:',
      '  sudo apt-get install redis-server',
      '  export TIERCEL_REDIS_SERVER=/path/to/redis-server',
      '  docker pull redis:7    (with a docker daemon running)',
      'For the suites that share one server, TIERCEL_REDIS_URL=redis://host:port does as well.',
    ].join('\n'),
  );
}

let found: Promise<RedisBinary> | undefined;

/** `findRedis` on this machine, searched once a process. */
export async function provisionRedis(): Promise<RedisBinary> {
  found ??= findRedis(thisMachine);
  return found;
}
