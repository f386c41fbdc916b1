import { type CacheError, ConnectionError, ServerError } from '../errors.js';
import { portIn, slotIn } from './reply-number.js';

/** Where a node of a Cluster is. */
export interface NodeAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * Why a node did not carry a command out, where it certainly did not, and what is to be done:
 *
 * - `moved`: the slot belongs to another node, for good.
 * - `ask`: this one key may be with another node already; only the next command may go there, behind an ASKING.
 * - `tryagain`: the keys of the command are on two nodes, for as long as their slot moves.
 * - `down`: the node finds the cluster, or the slot, not served at the moment.
 * - `busy`: the node loads its data, or is a replica that cannot serve.
 * - `unreached`: the command was not sent at all.
 */
export type Refusal =
  | { readonly kind: 'moved' | 'ask'; readonly slot: number; readonly to: NodeAddress }
  | { readonly kind: 'tryagain' | 'down' | 'busy' | 'unreached' };

const DOWN: Refusal = { kind: 'down' };
const BUSY: Refusal = { kind: 'busy' };
const TRYAGAIN: Refusal = { kind: 'tryagain' };
const UNREACHED: Refusal = { kind: 'unreached' };

/**
 * What the error says of a command that was not carried out; undefined where it was, or may have been.
 *
 * @param from - the node that answered: a redirection without a host means another port of the same one.
 */
export function refusal(error: unknown, from: NodeAddress): Refusal | undefined {
  if (error instanceof ConnectionError) return error.sent ? undefined : UNREACHED;
  if (!(error instanceof ServerError) || !(error.cause instanceof Error)) return undefined;
  const { message } = error.cause;
  switch (message.slice(0, message.indexOf(' '))) {
    case 'MOVED':
      return redirected('moved', message, from);
    case 'ASK':
      return redirected('ask', message, from);
    case 'TRYAGAIN':
      return TRYAGAIN;
    case 'CLUSTERDOWN':
      return DOWN;
    case 'LOADING':
    case 'MASTERDOWN':
    case 'READONLY':
      return BUSY;
    default:
      return undefined;
  }
}

function redirected(kind: 'moved' | 'ask', message: string, from: NodeAddress): Refusal | undefined {
  const parts = /^[A-Z]+ (\d+) (.*):(\d+)$/.exec(message);
  if (!parts) return undefined;
  const [, , host = ''] = parts;
  const [slot, port] = [slotIn(parts[1]), portIn(parts[3])];
  if (slot === undefined || port === undefined) return undefined;
  // Redis sends an empty host, or a `?`, where it does not know by which name its clients know the node.
  return {
    kind,
    slot,
    to: { host: host === '' || host === '?' ? from.host : host, port },
  };
}

/** Whether it is only unknown that the command was carried out, so that a read may be asked again elsewhere. */
export function isUncertain(error: unknown): boolean {
  return error instanceof ConnectionError && error.sent;
}

export function tooManyRedirects(maxRedirects: number, last: unknown): CacheError {
  const said = last instanceof Error ? `; the last: ${last.message}` : '';
  return new ServerError(
    `the Redis Cluster sent the command on more than ${maxRedirects} times (maxRedirects)${said}`,
    {
      cause: last,
    },
  );
}
