import { CacheError, ServerError } from '../errors.js';
import type { Reply } from '../redis/port.js';
import type { ClusterNode } from './cluster-node.js';
import type { NodeAddress } from './redirection.js';
import { portIn, slotIn } from './reply-number.js';
import { textOf } from './text-of.js';

/** One node, as the node that was asked sees it. */
export interface NodeView {
  readonly id: string;
  /** Where clients reach it; undefined where the cluster itself does not know. */
  readonly address: NodeAddress | undefined;
  readonly role: 'primary' | 'replica';
  /** Of a replica, whom it follows. */
  readonly primaryId: string | undefined;
  /** As `CLUSTER NODES` has them: `myself`, `master`, `slave`, `fail?`, `fail`, `handshake`, `noaddr`. */
  readonly flags: readonly string[];
  /** How new its claim to its slots is: of two that claim a slot, the higher has it. 0 where that was not told. */
  readonly epoch: number;
  /** Whether the node that was asked has a link to it. */
  readonly linked: boolean;
  /** First and last slot of each range it serves. */
  readonly slots: ReadonlyArray<readonly [from: number, to: number]>;
  /** Whether slots of it are on their way to or from another node. Every node tells that of itself alone. */
  readonly moving: boolean;
}

export type ClusterView = ReadonlyMap<string, NodeView>;

/**
 * Makes one view of two answers. `CLUSTER NODES` says whose the slots are, and how new that is; `CLUSTER SLOTS` by which name
 * clients are to reach each node. A server or a proxy that answers only the second will do.
 *
 * @param asked - the node that answered: it may not know its own address.
 * @throws ServerError where neither tells of a cluster.
 */
export function readView(
  nodes: Reply | CacheError,
  slots: Reply | CacheError,
  asked: NodeAddress,
): ClusterView {
  if (nodes instanceof CacheError && slots instanceof CacheError) throw nodes;
  const ranges = slots instanceof CacheError ? [] : readSlots(slots, asked);
  if (nodes instanceof CacheError) return viewOfSlots(ranges);
  const endpoints = new Map(ranges.flatMap(({ members }) => members.map((each) => [each.id, each.address])));
  const lines = textOf(nodes)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => readLine(line, asked));
  if (lines.length === 0 || lines.some((line) => line === undefined)) {
    throw new ServerError('Redis answered CLUSTER NODES with something else than a list of nodes');
  }
  const known = lines as ParsedLine[];
  // Replicas are not always among the slots. They go by the kind of name that the others go by.
  const byHostname = known.some(
    ({ view, hostname }) => hostname !== undefined && endpoints.get(view.id)?.host === hostname,
  );
  return new Map(
    known.map(({ view, hostname }) => {
      const named =
        byHostname && hostname !== undefined && view.address
          ? { ...view.address, host: hostname }
          : view.address;
      return [view.id, { ...view, address: endpoints.get(view.id) ?? named }];
    }),
  );
}

/**
 * What the node says of itself.
 *
 * @throws CacheError
 */
export async function askOwnView({ port, address }: ClusterNode): Promise<NodeView> {
  const view = readView(await port.send({ key: '', args: ['CLUSTER', 'NODES'] }), NOT_ASKED, address);
  for (const each of view.values()) if (each.flags.includes('myself')) return each;
  throw new ServerError('Redis answered CLUSTER NODES without saying which of them it is');
}

const NOT_ASKED = new ServerError('not asked');

interface ParsedLine {
  readonly view: NodeView;
  readonly hostname: string | undefined;
}

/** `<id> <ip:port@bus[,hostname]> <flags> <primary> <ping> <pong> <epoch> <link> <slot> … [slot->-id]` */
function readLine(line: string, asked: NodeAddress): ParsedLine | undefined {
  const [id, where, flagList, primary, , , epoch, link, ...owned] = line.split(' ');
  const place = /^(.*):(\d+)(?:@\d+)?(?:,([^,=]*))?(?:,.*)?$/.exec(where ?? '');
  if (!id || !place || !flagList || link === undefined) return undefined;
  const flags = flagList.split(',');
  const [, ip = ''] = place;
  const port = flags.includes('noaddr') ? undefined : portIn(place[2]);
  const host = ip === '' && flags.includes('myself') ? asked.host : ip;
  const slots: Array<[number, number]> = [];
  let moving = false;
  for (const part of owned) {
    const range = /^(\d+)(?:-(\d+))?$/.exec(part);
    if (range) slots.push(...rangeOf(range[1], range[2] ?? range[1]));
    else if (part.startsWith('[')) moving = true;
  }
  const isReplica = flags.includes('slave');
  return {
    hostname: place[3] || undefined,
    view: {
      id,
      address: port !== undefined && host !== '' ? { host, port } : undefined,
      role: isReplica ? 'replica' : 'primary',
      primaryId: isReplica && primary !== '-' ? primary : undefined,
      flags,
      epoch: Number(epoch) || 0,
      linked: link === 'connected' || flags.includes('myself'),
      slots,
      moving,
    },
  };
}

interface SlotRange {
  readonly from: number;
  readonly to: number;
  readonly members: ReadonlyArray<{ readonly id: string; readonly address: NodeAddress }>;
}

function readSlots(reply: Reply, asked: NodeAddress): SlotRange[] {
  if (!Array.isArray(reply)) {
    throw new ServerError('Redis answered CLUSTER SLOTS with something else than a list of slots');
  }
  return reply.flatMap((range: Reply) => {
    const [from, to, ...members] = Array.isArray(range) ? (range as Reply[]) : [];
    const [primary, ...replicas] = members.map((member) => readMember(member, asked));
    // The first is whose the slots are: without it nothing is said of them.
    if (!primary) return [];
    const known = [primary, ...replicas.filter((replica) => replica !== undefined)];
    return rangeOf(from, to).map(([first, last]) => ({ from: first, to: last, members: known }));
  });
}

function readMember(member: Reply, asked: NodeAddress): SlotRange['members'][number] | undefined {
  const [host, given, id] = Array.isArray(member) ? (member as Reply[]) : [];
  const port = portIn(given);
  if (port === undefined) return undefined;
  // No host means the one that was asked; a server that should have a name and has none says `?`.
  const named = host === null || host === undefined ? '' : textOf(host);
  const address = { host: named === '' || named === '?' ? asked.host : named, port };
  return { id: id === undefined ? `${address.host}:${address.port}` : textOf(id), address };
}

/** Empty where it is none. */
function rangeOf(first: Reply, last: Reply): Array<[from: number, to: number]> {
  const [from, to] = [slotIn(first), slotIn(last)];
  return from !== undefined && to !== undefined && from <= to ? [[from, to]] : [];
}

function viewOfSlots(ranges: readonly SlotRange[]): ClusterView {
  const nodes = new Map<string, NodeView & { slots: Array<readonly [number, number]> }>();
  for (const { from, to, members } of ranges) {
    for (const [i, { id, address }] of members.entries()) {
      const role = i === 0 ? 'primary' : 'replica';
      const primaryId = i === 0 ? undefined : members[0]?.id;
      const flags = [i === 0 ? 'master' : 'slave'];
      const known = nodes.get(id) ?? {
        id,
        address,
        role,
        primaryId,
        flags,
        epoch: 0,
        linked: true,
        slots: [],
        moving: false,
      };
      if (i === 0) known.slots.push([from, to]);
      nodes.set(id, known);
    }
  }
  if (nodes.size === 0) throw new ServerError('Redis knows of no slots: is it part of a cluster?');
  return nodes;
}
