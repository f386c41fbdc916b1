import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CacheError } from '../../../../src/errors.js';
import type { Connection, Driver } from '../../../../src/redis/connection.js';
import type { Reply } from '../../../../src/redis/port.js';
import { PrimaryWatch } from '../../../../src/redis/sentinel/primary-watch.js';
import { anyReply, mutatedText } from '../../../support/hostile.js';

/** Something that says it is a sentinel. */
function answering(master: unknown, address: unknown): Driver {
  const connection: Connection = {
    send: async ([, question]): Promise<Reply> => (question === 'MASTER' ? master : address) as Reply,
    onLost: () => undefined,
    subscribe: async () => undefined,
    release: () => undefined,
  };
  return { name: 'fake', address: 'a sentinel', open: async () => connection, isReplyError: () => false };
}

const number = fc.oneof(
  fc.nat(70_000).map(String),
  mutatedText(fc.nat(70_000).map(String)),
  fc.constantFrom(
    '0',
    '65536',
    '-1',
    '1e3',
    '',
    ' 6379',
    '6379.5',
    '0x10',
    '9'.repeat(15),
    '9'.repeat(30),
    'NaN',
  ),
);
const bytes = (text: fc.Arbitrary<string>): fc.Arbitrary<unknown> => text.map((each) => Buffer.from(each));
const address: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(bytes(fc.constantFrom('host', '::1', '')), bytes(number)) },
  { weight: 2, arbitrary: fc.tuple(anyReply, fc.oneof(bytes(number), fc.integer(), anyReply)) },
  { weight: 1, arbitrary: anyReply },
);
const master: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ 'config-epoch': bytes(number) }) },
  { weight: 3, arbitrary: number.map((epoch) => ['name', 'main', 'config-epoch', epoch]) },
  { weight: 1, arbitrary: fc.record({ 'config-epoch': anyReply }) },
  { weight: 1, arbitrary: anyReply },
);

describe('what sentinels answer', () => {
  it('is an address that can be connected to, or a CacheError, whatever it is', async () => {
    let sane = 0;
    await fc.assert(
      fc.asyncProperty(master, address, async (status, place) => {
        const watch = new PrimaryWatch('main', [answering(status, place)]);
        try {
          const { host, port, epoch } = await watch.ask();
          sane++;
          expect(host).not.toBe('');
          expect(Number.isInteger(port) && port > 0 && port < 65_536).toBe(true);
          expect(Number.isSafeInteger(epoch) && epoch >= 0).toBe(true);
          // It is what was said, and not what some other reply looks like as text.
          const [said] = place as unknown[];
          expect(Buffer.isBuffer(said) ? said.toString() : said).toBe(host);
        } catch (error) {
          if (!(error instanceof CacheError)) throw error;
          expect(watch.primary).toBeUndefined();
        } finally {
          watch.close();
        }
      }),
      { numRuns: 500 },
    );
    expect(sane).toBeGreaterThan(10);
  });

  it('is believed of those who make sense while another does not', async () => {
    const good = answering({ 'config-epoch': '3' }, [Buffer.from('host'), Buffer.from('6379')]);
    await fc.assert(
      fc.asyncProperty(anyReply, anyReply, async (status, place) => {
        const watch = new PrimaryWatch('main', [answering(status, place), good]);
        try {
          expect(await watch.ask()).toEqual({ host: 'host', port: 6379, epoch: 3 });
        } finally {
          watch.close();
        }
      }),
      { numRuns: 100 },
    );
  });
});
