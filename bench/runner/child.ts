/** A process of one contender in one workload: alone with its heap, told by the bench when to run. */
import type { BenchCache } from '../contender.js';
import { importContender } from '../contenders/index.js';
import type { Place, PreparedCase, Workload } from '../workload.js';
import { workloadById } from '../workloads/index.js';
import { TTL_MS } from './fill.js';
import { installedVersion } from './installed-version.js';
import type { Answer, Introduction, Replies, Request } from './messages.js';

let cache: BenchCache | undefined;
let workload: Workload | undefined;
let prepared: PreparedCase | undefined;
let place: Place | undefined;

function present<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`asked out of order: there is no ${what} yet`);
  return value;
}

async function setup(request: Extract<Request, { ask: 'setup' }>): Promise<Introduction> {
  const { redisUrl, prefix } = request;
  const { name, role, packages, configured, ...contender } = await importContender(request.contender);
  workload = workloadById(request.workload);
  place = request.place;
  const versions = Object.fromEntries(packages.map((each) => [each, installedVersion(each)]));
  const layers = workload.layers.find((each) => configured[each] !== undefined);
  const introduction = { id: request.contender, name, role, versions, layers };
  if (layers === undefined) return { ...introduction, configured: '' };
  const { memoryEntries = 10_000, memoryBytes } = workload;
  const { resourceUrl } = place;
  const shared = { redisUrl, resourceUrl, prefix, ttlMs: TTL_MS, layers, memoryEntries, memoryBytes };
  cache = await contender.setup(shared);
  return { ...introduction, configured: configured[layers] ?? '' };
}

async function perform(request: Request): Promise<Replies[Request['ask']]> {
  switch (request.ask) {
    case 'setup':
      return setup(request);
    case 'prepare': {
      const chosen = present(present(workload, 'workload').cases[request.caseIndex], 'such case');
      prepared = await chosen.prepare(present(cache, 'cache'), present(place, 'place'));
      return null;
    }
    case 'round':
      return present(present(prepared, 'case').round, 'round in it')(request.seconds);
    case 'act':
      return present(present(prepared, 'case').act, 'act in it')(request.request);
    case 'verify':
      return (await present(prepared, 'case').verify?.()) ?? 0;
    case 'close':
      await cache?.close();
      return null;
    default:
      return request satisfies never;
  }
}

async function answer(request: Request): Promise<void> {
  let message: Answer;
  try {
    message = { reply: await perform(request) };
  } catch (error) {
    message = { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  process.send?.(message);
}

process.on('message', (request: Request) => {
  void answer(request);
});
// Nobody is left to run for.
process.on('disconnect', () => process.exit());
