import { CacheError, ConnectionError } from '../errors.js';
import type { Command, Reply } from '../redis/port.js';
import { delay } from '../runtime/delay.js';
import type { ClusterNode } from './cluster-node.js';
import { isUncertain, refusal, tooManyRedirects } from './redirection.js';
import type { TopologyWatch } from './topology-watch.js';
import type { Topology } from './topology.js';

/** A command that a node did not carry out, or of which that is unknown. */
export interface Attempt {
  readonly command: Command;
  /** Who was asked last. */
  readonly node: ClusterNode;
  /** Undefined where it is only to be asked once more, behind another that failed. */
  readonly error: CacheError | undefined;
}

/** Where it goes next. */
interface Step {
  readonly node: ClusterNode;
  readonly asking: boolean;
}

/** Milliseconds before a node is asked again that could not serve just now; doubled each time. */
const FIRST_PAUSE = 10;
/** A cluster that has been down for this long, in ms, is not waited for: its callers have something better to do. */
const KNOWN_TO_BE_DOWN = 100;

/** Commands that change nothing, and so may be carried out twice. */
const READS: ReadonlySet<string> = new Set([
  'GET',
  'MGET',
  'GETRANGE',
  'STRLEN',
  'EXISTS',
  'TTL',
  'PTTL',
  'TYPE',
  'PING',
  'INFO',
]);

export function isRead({ args: [name] }: Command): boolean {
  return typeof name === 'string' && READS.has(name);
}

export interface RedirectsParts {
  readonly topology: Topology;
  readonly watch: TopologyWatch;
  /** How many times one command is sent on. */
  readonly maxRedirects: number;
  readonly ownerOf: (key: string) => ClusterNode | undefined;
}

/**
 * Goes on with what one node did not do, within the operation's deadline: to where a redirection points, to the same node
 * after a pause, or to the slot's new owner. Only what certainly was not carried out is sent again, and reads.
 *
 * What failed in one batch goes on as one batch, so commands of one key keep their order.
 */
export class Redirects {
  readonly #parts: RedirectsParts;

  constructor(parts: RedirectsParts) {
    this.#parts = parts;
  }

  /** One command's outcome. */
  async follow(attempt: Attempt, until: number): Promise<Reply> {
    const [outcome] = await this.followAll([attempt], until);
    if (outcome instanceof CacheError) throw outcome;
    return outcome;
  }

  /** Never rejects: an error stands in its command's place. */
  async followAll(attempts: readonly Attempt[], until: number): Promise<Array<Reply | CacheError>> {
    const outcomes: Array<Reply | CacheError> = attempts.map(() => undefined);
    let open = attempts.map((attempt, index) => ({ ...attempt, index }));
    for (let count = 1; open.length > 0; count++) {
      const steps = await Promise.all(open.map((attempt) => this.#next(attempt, count, until)));
      const sent = open.map(async ({ command, index }, i) => {
        const step = steps[i] as Step | CacheError;
        const outcome = step instanceof CacheError ? step : await this.#send(command, step, until);
        outcomes[index] = outcome;
        if (step instanceof CacheError || !(outcome instanceof CacheError)) return [];
        return [{ command, index, node: step.node, error: outcome }];
      });
      open = (await Promise.all(sent)).flat();
    }
    return outcomes;
  }

  async #send(command: Command, { node, asking }: Step, until: number): Promise<Reply | CacheError> {
    const began = performance.now();
    try {
      const reply = asking ? await node.sendAsking(command, until) : await node.port.send(command, until);
      node.downSince = 0;
      node.metrics.served(performance.now() - began);
      return reply;
    } catch (error) {
      return error as CacheError;
    }
  }

  /** Where to go from here, or why not. */
  async #next({ command, node, error }: Attempt, count: number, until: number): Promise<Step | CacheError> {
    const { topology, watch, maxRedirects, ownerOf } = this.#parts;
    if (error === undefined) return { node: ownerOf(command.key) ?? node, asking: false };
    const why = refusal(error, node.address);
    this.#count(node, why?.kind);
    const now = performance.now();
    if (now >= until) return error;
    if (why === undefined && !(isRead(command) && isUncertain(error))) return error;
    if (count > maxRedirects) {
      return why?.kind === 'moved' || why?.kind === 'ask' ? tooManyRedirects(maxRedirects, error) : error;
    }
    switch (why?.kind) {
      case 'moved': {
        const to = topology.at(why.to);
        topology.moved(why.slot, to, node);
        watch.soon();
        return { node: to, asking: false };
      }
      case 'ask': {
        const to = topology.at(why.to);
        topology.asked(why.slot, to);
        return { node: to, asking: true };
      }
      case 'down':
        node.downSince ||= now;
        watch.soon();
        if (now - node.downSince > KNOWN_TO_BE_DOWN) return error;
        break;
      case 'busy':
        watch.soon();
        break;
      case 'tryagain':
        break;
      default: {
        // Not reached, or lost on the way: a round of questions that began after the loss says whether another serves by now.
        await Promise.race([watch.upTo(node.lostAt), delay(until - now).passed]);
        const owner = ownerOf(command.key);
        return owner === undefined || owner === node ? error : { node: owner, asking: false };
      }
    }
    const pause = FIRST_PAUSE * 2 ** (count - 1) * (0.75 + Math.random() / 2);
    if (now + pause >= until) return error;
    await delay(pause).passed;
    const owner = ownerOf(command.key);
    return owner === undefined
      ? new ConnectionError('no node of the Redis Cluster serves the slot of this key', {
          cause: error,
          sent: false,
        })
      : { node: owner, asking: false };
  }

  #count({ metrics }: ClusterNode, kind: string | undefined): void {
    if (kind === 'moved') metrics.redirects.moved++;
    else if (kind === 'ask') metrics.redirects.ask++;
    else if (kind === 'tryagain') metrics.redirects.tryAgain++;
    else if (kind === 'down') metrics.redirects.clusterDown++;
    else metrics.errors++;
  }
}
