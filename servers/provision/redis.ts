import { directDependencies, fromAptCache, fromAptDownload, type AptProgram } from './apt-program.js';
import { fromDocker } from './docker.js';
import { findProgram } from './find-program.js';
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
export function findRedis(machine: Machine): Promise<RedisBinary> {
  const variable = 'TIERCEL_REDIS_SERVER';
  return findProgram(machine, {
    variable,
    fromVariable: (command) => examine(machine, { command, source: 'environment', place: variable }),
    places: {
      PATH: () => fromPath(machine),
      cache: () => fromAptCache(machine, REDIS),
      packages: () => fromAptDownload(machine, REDIS),
      docker: () => fromDocker(machine),
    },
    complaint: 'No Redis server, version 7.0 or later, was found, and these tests need a real one.',
    help: [
      'Any one of these helps:',
      '  sudo apt-get install redis-server',
      '  export TIERCEL_REDIS_SERVER=/path/to/redis-server',
      '  docker pull redis:7    (with a docker daemon running)',
      'For the suites that share one server, TIERCEL_REDIS_URL=redis://host:port does as well.',
    ],
  });
}

let found: Promise<RedisBinary> | undefined;

/** `findRedis` on this machine, searched once a process. */
export async function provisionRedis(): Promise<RedisBinary> {
  found ??= findRedis(thisMachine);
  return found;
}
