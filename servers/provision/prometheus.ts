import { dirname, join } from 'node:path';
import {
  fromAptCache,
  fromAptDownload,
  type AptProgram,
  type Findable,
  type Unpacked,
} from './apt-program.js';
import { findProgram } from './find-program.js';
import { thisMachine, type Machine } from './machine.js';

/** Prometheus, with the tool that checks its rules. */
export interface PrometheusBinary {
  readonly command: string;
  readonly promtool: string;
  /** Such as `2.42.0`. */
  readonly version: string;
  /** One line for people. */
  describe(): string;
}

type Candidate = Pick<Unpacked, 'command' | 'place'>;

async function examine(machine: Machine, candidate: Candidate): Promise<Findable<PrometheusBinary>> {
  const { command, place } = candidate;
  const promtool = command.includes('/') ? join(dirname(command), 'promtool') : 'promtool';
  const versions: string[] = [];
  for (const program of [command, promtool]) {
    const result = await machine.run(program, ['--version']);
    if (result === undefined) return { missing: `there is no ${program}` };
    const version = /^\w+, version (?<version>\d+\.\d+\.\d+)/m.exec(result.output)?.groups?.['version'];
    if (version === undefined) {
      return { missing: `${program} --version ended with ${result.code}: ${result.output.trim()}` };
    }
    versions.push(version);
  }
  const [version = ''] = versions;
  return { command, promtool, version, describe: () => `prometheus ${version} from ${place}` };
}

const PROMETHEUS: AptProgram<PrometheusBinary> = {
  name: 'prometheus',
  packages: ['prometheus'],
  program: 'usr/bin/prometheus',
  examine,
};

/**
 * Finds Prometheus and promtool: `TIERCEL_PROMETHEUS` in the environment (the path of `prometheus`, with `promtool` beside it; if
 * it cannot be used, nothing else is tried), the PATH, the project's cache, or the distribution's packages, downloaded and
 * unpacked into that cache.
 *
 * @throws Error with what was tried, and what helps.
 */
export function findPrometheus(machine: Machine): Promise<PrometheusBinary> {
  return findProgram(machine, {
    variable: 'TIERCEL_PROMETHEUS',
    fromVariable: (command) => examine(machine, { command, place: 'TIERCEL_PROMETHEUS' }),
    places: {
      PATH: () => examine(machine, { command: 'prometheus', place: 'PATH' }),
      cache: () => fromAptCache(machine, PROMETHEUS),
      packages: () => fromAptDownload(machine, PROMETHEUS),
    },
    complaint: 'No Prometheus was found, and these tests need a real one.',
    help: [
      'Either of these helps:',
      '  sudo apt-get install prometheus',
      '  export TIERCEL_PROMETHEUS=/path/to/prometheus    (with promtool beside it)',
    ],
  });
}

let found: Promise<PrometheusBinary> | undefined;

/** `findPrometheus` on this machine, searched once a process. */
export async function provisionPrometheus(): Promise<PrometheusBinary> {
  found ??= findPrometheus(thisMachine);
  return found;
}
