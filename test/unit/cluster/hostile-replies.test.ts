import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClusterNode } from '../../../src/cluster/cluster-node.js';
import { readView } from '../../../src/cluster/cluster-view.js';
import { refusal } from '../../../src/cluster/redirection.js';
import { SLOT_COUNT } from '../../../src/cluster/slots.js';
import { Topology } from '../../../src/cluster/topology.js';
import { CacheError, ServerError } from '../../../src/errors.js';
import type { Reply } from '../../../src/redis/port.js';
import { ServerClock } from '../../../src/redis/server-clock.js';
import type { SingleServerPort } from '../../../src/redis/single-server-port.js';
import { anyReply, mutatedText } from '../../support/hostile.js';

const ASKED = { host: '10.0.0.9', port: 7009 };
const NODES =
  'a1 10.0.0.1:7000@17000,a.internal,shard-id=s myself,master - 0 0 1 connected 0-8191 [9->-b1] 9000\n' +
  'b1 ::1:7001@17001 master - 0 1426238317239 2 connected 8192-16383\n' +
  'c1 :0@0 slave,noaddr a1 0 0 1 disconnected\n';

/** Numbers as a server might give them, or what stands where there should be one. */
const number = fc.oneof(
  { weight: 4, arbitrary: fc.nat(SLOT_COUNT - 1) },
  {
    weight: 2,
    arbitrary: fc.constantFrom<unknown>(-1, -1e15, 1e15, 16_384, 65_536, 2.5, NaN, '7', '-1e15', null),
  },
  { weight: 1, arbitrary: anyReply },
);
const named = fc.oneof(fc.string({ maxLength: 9 }), fc.constant(null));
const member = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(named, fc.integer({ min: 1, max: 65_535 }), fc.string({ maxLength: 4 })) },
  { weight: 1, arbitrary: fc.tuple(named, number, fc.string({ maxLength: 4 })) },
  { weight: 1, arbitrary: anyReply },
);
const range: fc.Arbitrary<unknown> = fc.tuple(number, number, member, member);
const slots = fc.oneof(
  { weight: 5, arbitrary: fc.array(fc.oneof({ weight: 4, arbitrary: range }, anyReply), { maxLength: 5 }) },
  { weight: 1, arbitrary: anyReply },
);

function isPort(port: number): boolean {
  return Number.isInteger(port) && port > 0 && port < 65_536;
}

describe('a view of the cluster', () => {
  it('is made of whatever the nodes answer, or a CacheError; its slots and ports are such as there are', () => {
    const nodes = fc.oneof(
      mutatedText(fc.constant(NODES)),
      fc.constant<unknown>(new ServerError('no')),
      anyReply,
    );
    fc.assert(
      fc.property(nodes, slots, (first, second) => {
        const map = new Topology({
          open: (address) =>
            new ClusterNode(address, {} as unknown as SingleServerPort, new ServerClock(), () => false),
          close: () => undefined,
          onMoved: () => undefined,
          translate: (address) => address,
        });
        try {
          const view = readView(first as Reply | CacheError, second as Reply, ASKED);
          for (const { address, slots: ranges } of view.values()) {
            if (address) expect(isPort(address.port)).toBe(true);
            for (const [from, to] of ranges) {
              expect(Number.isInteger(from) && from >= 0 && from <= to && to < SLOT_COUNT).toBe(true);
            }
          }
          map.apply(view);
        } catch (error) {
          expect(error).toBeInstanceOf(CacheError);
        }
        expect(map.uncovered).toBe(
          Array.from({ length: SLOT_COUNT }, (_, slot) => map.owner(slot)).filter((one) => !one).length,
        );
      }),
      { numRuns: 300 },
    );
  });
});

describe('a refusal', () => {
  it('names a slot and a port such as there are, whatever the error says', () => {
    const word = fc.constantFrom('MOVED', 'ASK', 'TRYAGAIN', 'CLUSTERDOWN', 'LOADING', 'ERR');
    const made = fc
      .tuple(
        word,
        fc.integer({ min: -2, max: 20_000 }),
        fc.string({ maxLength: 8 }),
        fc.integer({ min: -2, max: 70_000 }),
      )
      .map(([kind, slot, host, port]) => `${kind} ${slot} ${host}:${port}`);
    const text = fc.oneof(
      made,
      mutatedText(made),
      fc.constantFrom('MOVED 9999999999999999 h:1', 'ASK 1 h:00'),
    );
    fc.assert(
      fc.property(text, (message) => {
        const found = refusal(new ServerError('no', { cause: new Error(message) }), ASKED);
        if (found?.kind !== 'moved' && found?.kind !== 'ask') return;
        expect(found.slot).toBeGreaterThanOrEqual(0);
        expect(found.slot).toBeLessThan(SLOT_COUNT);
        expect(isPort(found.to.port)).toBe(true);
        expect(found.to.host).not.toBe('');
      }),
      { numRuns: 1000 },
    );
  });
});
