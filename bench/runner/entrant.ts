import { startRedis, type RedisServer } from '../../servers/redis.js';
import type { ContenderId } from '../contenders/index.js';
import type { RoundResult, StartedResource, Workload, WorkloadCase } from '../workload.js';
import { ContenderProcess } from './contender-process.js';
import { mergeRounds } from './merge-rounds.js';
import type { Introduction } from './messages.js';
import { readCounters, resetCounters, type ServerCounters } from './server-counters.js';
import type { Stage } from './stage.js';

export interface Round extends RoundResult, ServerCounters {}

/** One contender in a workload: its processes, and what they did. What goes wrong with one does not stop the others. */
export class Entrant {
  readonly id: ContenderId;
  readonly rounds: Round[] = [];
  introduction: Introduction;
  failure: string | undefined;
  readonly #processes: ContenderProcess[];
  readonly #shared: RedisServer;
  #own: RedisServer | undefined;
  #further: readonly RedisServer[] = [];

  constructor(id: ContenderId, workload: Workload, shared: RedisServer) {
    this.id = id;
    this.introduction = { id, name: id, role: 'peer', versions: {}, layers: undefined, configured: '' };
    this.#shared = shared;
    this.#processes = Array.from({ length: workload.processes ?? 1 }, () => new ContenderProcess());
  }

  /** Whether it offers what the workload asks for; one that has failed does, as far as is known. */
  get takesPart(): boolean {
    return this.introduction.layers !== undefined || this.failure !== undefined;
  }

  get #server(): RedisServer {
    return this.#own ?? this.#shared;
  }

  async attempt(action: () => Promise<void>): Promise<void> {
    if (this.failure !== undefined) return;
    try {
      await action();
    } catch (error) {
      this.failure = error instanceof Error ? error.message : String(error);
    }
  }

  async setup(workload: Workload, resource: StartedResource | undefined): Promise<void> {
    this.#further = resource?.servers ?? [];
    // Keys outlive a kill, so that a cache may find them again.
    if (workload.ownServer)
      this.#own = await startRedis({ config: { appendonly: 'yes', appendfsync: 'no' } });
    const { id } = this;
    const introductions = await Promise.all(
      this.#processes.map((each, index) =>
        each.ask({
          ask: 'setup',
          contender: id,
          workload: workload.id,
          redisUrl: this.#server.url,
          prefix: `bench-${id}`,
          place: { index, resourceUrl: resource?.url },
        }),
      ),
    );
    this.introduction = introductions[0] ?? this.introduction;
  }

  /** One process after the other: the first may fill what the others find. */
  async prepare(caseIndex: number): Promise<void> {
    this.rounds.length = 0;
    for (const each of this.#processes) await each.ask({ ask: 'prepare', caseIndex });
  }

  async round(chosen: WorkloadCase, seconds: number, quick: boolean): Promise<Round> {
    const servers = [this.#server, ...this.#further];
    await resetCounters(servers);
    const result = chosen.lead
      ? await chosen.lead(this.#stage(quick))
      : mergeRounds(await Promise.all(this.#processes.map((each) => each.ask({ ask: 'round', seconds }))));
    return { ...result, ...(await readCounters(servers)) };
  }

  async verify(): Promise<number> {
    let wrong = 0;
    for (const each of this.#processes) wrong += await each.ask({ ask: 'verify' });
    return wrong;
  }

  async close(): Promise<void> {
    await Promise.all(this.#processes.map((each) => each.ask({ ask: 'close' })));
  }

  /** Whatever state it is in. */
  async end(): Promise<void> {
    await Promise.all(this.#processes.map((each) => each.end()));
    await this.#own?.stop();
  }

  #stage(quick: boolean): Stage {
    return {
      quick,
      server: this.#server,
      act: async (place, request) => {
        const process = this.#processes[place];
        if (!process) throw new Error(`there is no process ${place}`);
        return process.ask({ ask: 'act', request });
      },
    };
  }
}
