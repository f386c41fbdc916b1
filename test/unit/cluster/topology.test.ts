import { describe, expect, it } from 'vitest';
import { ClusterNode } from '../../../src/cluster/cluster-node.js';
import { readView, type ClusterView } from '../../../src/cluster/cluster-view.js';
import { Topology } from '../../../src/cluster/topology.js';
import { ServerError } from '../../../src/errors.js';
import { ServerClock } from '../../../src/redis/server-clock.js';
import type { SingleServerPort } from '../../../src/redis/single-server-port.js';

const ASKED = { host: '10.0.0.9', port: 7009 };

/** A line of `CLUSTER NODES`: name, epoch, what else is said of it. */
interface Line {
  readonly name: string;
  readonly epoch: number;
  readonly slots?: string;
  readonly of?: string;
  readonly flags?: string;
}

function view(...lines: readonly Line[]): ClusterView {
  const text = lines.map(({ name, epoch, slots = '', of, flags }) => {
    const port = 7000 + name.charCodeAt(0);
    const role = flags ?? (of ? 'slave' : 'master');
    return `${name} 10.0.0.1:${port}@1${port} ${role} ${of ?? '-'} 0 0 ${epoch} connected ${slots}`.trim();
  });
  return readView(`${text.join('\n')}\n`, [], ASKED);
}

function topology() {
  const moves: Array<ReadonlySet<number>> = [];
  const closed: string[] = [];
  const map = new Topology({
    open: (address) =>
      new ClusterNode(address, {} as unknown as SingleServerPort, new ServerClock(), () => false),
    close: (node) => void closed.push(node.id ?? node.name),
    onMoved: (slots) => void moves.push(slots),
    translate: (address) => address,
  });
  const owner = (slot: number): string | undefined => map.owner(slot)?.id;
  const node = (id: string): ClusterNode => {
    const found = map.byId(id);
    if (!found) throw new Error(`${id} is not known`);
    return found;
  };
  return { map, moves, closed, owner, node };
}

const A: Line = { name: 'a', epoch: 1, slots: '0-8191' };
const B: Line = { name: 'b', epoch: 2, slots: '8192-16383' };
const A_REPLICA: Line = { name: 'c', epoch: 1, of: 'a' };

describe('who serves which slot', () => {
  it('is what the nodes say', () => {
    const { map, owner } = topology();
    map.apply(view(A, B, A_REPLICA));
    expect([owner(0), owner(8191), owner(8192), owner(16_383)]).toEqual(['a', 'a', 'b', 'b']);
    expect(map.uncovered).toBe(0);
    expect(map.owners.map(({ id }) => id)).toEqual(['a', 'b']);
  });

  it('is not what a node says that still believes what was true before', () => {
    const { map, owner, moves } = topology();
    map.apply(view(A, B, A_REPLICA));
    map.apply(view({ ...A, slots: '', flags: 'master,fail' }, B, { name: 'c', epoch: 3, slots: '0-8191' }));
    expect(owner(0)).toBe('c');
    const before = moves.length;
    map.apply(view(A, B, A_REPLICA));
    expect(owner(0)).toBe('c');
    expect(map.byId('c')?.view?.role).toBe('primary');
    expect(moves).toHaveLength(before);
  });

  it('changes by a redirection until a later claim, and one that tells of a failover changes all of it', () => {
    const { map, owner, node, moves } = topology();
    map.apply(view(A, B, A_REPLICA));
    map.moved(5, node('c'), node('a'));
    expect([owner(5), owner(6), owner(8191), owner(8192)]).toEqual(['c', 'c', 'c', 'b']);
    expect(moves.at(-1)?.size).toBe(8192);
    // A view of before does not undo it.
    map.apply(view(A, B, A_REPLICA));
    expect(owner(5)).toBe('c');
    map.apply(view({ ...A, slots: '' }, B, { name: 'c', epoch: 3, slots: '0-8191' }));
    expect(owner(5)).toBe('c');
  });

  it('changes for one slot alone where another primary has taken that', () => {
    const { map, owner, node } = topology();
    map.apply(view(A, B));
    map.moved(5, node('b'), node('a'));
    expect([owner(4), owner(5), owner(6)]).toEqual(['a', 'b', 'a']);
  });

  it('is told anew when the cluster was made anew, whatever the epochs were', () => {
    const { map, owner } = topology();
    map.apply(view({ ...A, epoch: 50 }, { ...B, epoch: 51 }));
    map.apply(view({ name: 'x', epoch: 1, slots: '0-16383' }));
    expect([owner(0), owner(16_383)]).toEqual(['x', 'x']);
  });

  it('lets go of nodes that are gone and serve nothing', () => {
    const { map, closed } = topology();
    map.apply(view(A, B, A_REPLICA));
    map.apply(view(A, B));
    expect(closed).toEqual(['c']);
    expect([...map.nodes].map(({ id }) => id)).toEqual(['a', 'b']);
  });

  it('goes to the address a node has now', () => {
    const { map, owner } = topology();
    map.apply(view(A, B));
    const moved = readView(
      'a 10.0.0.2:7777@17777 master - 0 0 1 connected 0-8191\nb 10.0.0.1:7098@1 master - 0 0 2 connected 8192-16383',
      [],
      ASKED,
    );
    map.apply(moved);
    expect(owner(0)).toBe('a');
    expect(map.owner(0)?.name).toBe('10.0.0.2:7777');
    expect([...map.nodes]).toHaveLength(2);
  });

  it('says who vouches for a key: its owner, and whoever was asked for it', () => {
    const { map, node } = topology();
    map.apply(view(A, B));
    map.asked(5, node('b'));
    expect(map.isReadAt(node('a'), 5)).toBe(true);
    expect(map.isReadAt(node('b'), 5)).toBe(true);
    expect(map.isReadAt(node('b'), 6)).toBe(false);
    map.moved(5, node('b'), node('a'));
    expect(map.isReadAt(node('a'), 5)).toBe(false);
  });
});

describe('a view', () => {
  it('takes names from CLUSTER SLOTS, and claims from CLUSTER NODES', () => {
    const nodes =
      'a 10.0.0.1:7000@17000,a.internal master - 0 0 1 connected 0-8191 [9-<-b]\n' +
      'b 10.0.0.2:7000@17000,b.internal myself,master - 0 0 2 connected 8192-16383\n' +
      'c 10.0.0.3:7000@17000,c.internal slave a 0 0 1 disconnected';
    const slots = [
      [0, 8191, ['a.internal', 7000, Buffer.from('a'), []]],
      [8192, 16_383, [null, 7000, Buffer.from('b'), []]],
    ];
    const found = readView(nodes, slots, ASKED);
    expect(found.get('a')).toMatchObject({
      address: { host: 'a.internal', port: 7000 },
      epoch: 1,
      moving: true,
    });
    expect(found.get('b')).toMatchObject({ address: { host: ASKED.host, port: 7000 } });
    // A replica that is not among the slots goes by the kind of name that the others have.
    expect(found.get('c')).toMatchObject({
      address: { host: 'c.internal', port: 7000 },
      role: 'replica',
      primaryId: 'a',
      linked: false,
    });
  });

  it('is made of CLUSTER SLOTS alone where nothing else is answered', () => {
    const slots = [[0, 16_383, ['h', 1, 'a'], ['h', 2, 'b']]];
    const found = readView(new ServerError('not allowed'), slots, ASKED);
    expect(found.get('a')).toMatchObject({ role: 'primary', slots: [[0, 16_383]], epoch: 0 });
    expect(found.get('b')).toMatchObject({ role: 'replica', primaryId: 'a' });
  });

  it('knows addresses of IPv6, and nodes whose address nobody knows', () => {
    const found = readView(
      'a ::1:7000@17000 myself,master - 0 0 1 connected 0-16383\nb :0@0 slave,noaddr a 0 0 1 disconnected',
      [],
      ASKED,
    );
    expect(found.get('a')?.address).toEqual({ host: '::1', port: 7000 });
    expect(found.get('b')?.address).toBeUndefined();
  });

  it.each(['', 'nonsense', '<html>'])('is not made of %j', (text) => {
    expect(() => readView(text, [], ASKED)).toThrow(/CLUSTER NODES/);
  });
});
