import { bytesText, spanText } from '../../output/format.js';
import { serverCheck } from '../check.js';
import { numberSetting, type DeploymentFacts, type ServerFacts } from '../facts.js';
import type { Verdict } from '../finding.js';

/** Seconds since a replica last told how far it is; in health it does so every second. */
const LATE = 5;
/** Bytes of changes that it does not have yet. */
const BEHIND = 16 * 1024 * 1024;

export const replicas = serverCheck('replicas', (server, facts) => {
  const { info } = server;
  if (info.text('role') === 'slave') return ofAReplica(server);
  const count = info.number('connected_slaves') ?? 0;
  if (count === 0) return withoutReplicas(facts);
  const followers = Array.from({ length: count }, (_, i) => follower(server, i));
  const ill = followers.find(({ isIll }) => isIll);
  if (ill) {
    return {
      level: 'warning',
      found: ill.text,
      means: 'If the primary goes now, what it has confirmed since is missing on the one that takes over.',
      todo: 'See the load and the network of the replica, and client-output-buffer-limit of the primary.',
      figures: ill.figures,
    };
  }
  if (facts.writeBehind && facts.kind !== 'server' && numberSetting(server, 'min-replicas-to-write') === 0) {
    return {
      level: 'warning',
      found: `${count} in step; min-replicas-to-write is 0, and there are queues of writes to the database`,
      means:
        'A primary that is cut off goes on acknowledging writes, which are lost when another has taken its place.',
      todo: 'Set min-replicas-to-write 1 and min-replicas-max-lag 10.',
      figures: { replicas: count },
    };
  }
  return {
    level: 'ok',
    found: count === 1 ? '1 replica, in step' : `${count} replicas, all in step`,
    figures: { replicas: count },
  };
});

function withoutReplicas({ kind, writeBehind }: DeploymentFacts): Verdict {
  const figures = { replicas: 0 };
  if (kind === 'server')
    return { level: 'ok', found: 'no replica, and nobody who would make it the primary', figures };
  return {
    level: kind === 'sentinel' || writeBehind ? 'problem' : 'warning',
    found: 'the primary has no replica',
    means:
      'When it stops nobody can take its place: its keys are loaded from the database until it is back' +
      (writeBehind ? ', and acknowledged writes wait or are lost with it.' : '.'),
    todo: 'Add a replica, or start the one that is down.',
    figures,
  };
}

function ofAReplica({ info }: ServerFacts): Verdict {
  const link = info.text('master_link_status') ?? 'unknown';
  return {
    level: 'problem',
    found: `this server is a replica, its link to the primary is ${link}`,
    means: 'It refuses writes: nothing can be cached or invalidated through it.',
    todo: 'Connect to the primary; --sentinel or --cluster follow it by themselves.',
  };
}

interface Follower {
  readonly isIll: boolean;
  readonly text: string;
  readonly figures: Readonly<Record<string, number>>;
}

function follower({ info }: ServerFacts, index: number): Follower {
  const parts = info.parts(`slave${index}`);
  const name = `the replica ${parts?.get('ip') ?? '?'}:${parts?.get('port') ?? '?'}`;
  const state = parts?.get('state') ?? 'unknown';
  const lag = Number(parts?.get('lag') ?? 0);
  const bytes = Math.max(0, (info.number('master_repl_offset') ?? 0) - Number(parts?.get('offset') ?? 0));
  const figures = { lag: 1000 * lag, bytes };
  if (state !== 'online') return { isIll: true, text: `${name} is not in step yet (${state})`, figures };
  const text = `${name} was last heard of ${spanText(1000 * lag)} ago and is ${bytesText(bytes)} behind`;
  return { isIll: lag >= LATE || bytes >= BEHIND, text, figures };
}
