import type { Machine } from './machine.js';

/** Where a server program was found. */
type BinarySource = 'environment' | 'path' | 'cache' | 'download' | 'docker';

/** A server program that was run once and told its version. */
export interface RedisBinary {
  readonly command: string;
  /** What it needs in its environment beside what we have ourselves. */
  readonly env: Readonly<Record<string, string>>;
  /** `redis` or `valkey`. */
  readonly product: string;
  /** Such as `7.0.15`. */
  readonly version: string;
  readonly source: BinarySource;
  /** One line for people, such as `redis-server 7.0.15 from PATH`. */
  describe(): string;
}

/** Either a binary, or the reason why this place has none. */
export type Found = RedisBinary | { readonly missing: string };

const oldestMajor = 7;

interface Candidate {
  readonly command: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly source: BinarySource;
  /** Completes `redis-server 7.0.15 from …`. */
  readonly place: string;
}

/** Runs `--version`, and accepts 7.0 or later of Redis, or any Valkey. */
export async function examine(machine: Machine, candidate: Candidate): Promise<Found> {
  const { command, args = [], env = {}, source, place } = candidate;
  const result = await machine.run(command, [...args, '--version'], { env: { ...machine.env, ...env } });
  if (result === undefined) return { missing: `there is no ${command}` };
  const match = /^(?<product>\w+) server v=(?<version>(?<major>\d+)\.\d+\.\d+)/im.exec(result.output);
  if (match?.groups === undefined) {
    return { missing: `${command} --version ended with ${result.code}: ${result.output.trim()}` };
  }
  const product = match.groups['product']?.toLowerCase() ?? 'redis';
  const version = match.groups['version'] ?? '';
  if (Number(match.groups['major']) < oldestMajor) {
    return { missing: `${command} is version ${version}, and 7.0 or later is needed` };
  }
  return {
    command,
    env,
    product,
    version,
    source,
    describe: () => `${product}-server ${version} from ${place}`,
  };
}
