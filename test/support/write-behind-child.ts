/**
 * A process that writes behind at full speed until it is killed, and tells of every write that was acknowledged. Run by the test of
 * P7; told where to begin counting.
 */
import pg from 'pg';
import { createCache } from 'tiercel';
import { writtenTable } from './written-table.js';

const [, , redisUrl = '', postgresUrl = ''] = process.argv;
const CALLERS = 16;
/** An order lets the test know whether the database has the last of an id's writes. */
export interface WriteOrder {
  readonly round: number;
  /** Where to begin counting. */
  readonly from: number;
}

/**
 * Each id belongs to one caller, who waits for each acknowledgement: so its writes have an order. One of a caller's ids is written
 * in every round, so that processes take over each other's; the others in this round only, so that no later write hides a lost one.
 */
async function writeForEver({ round, from }: WriteOrder): Promise<void> {
  const pool = new pg.Pool({ connectionString: postgresUrl, max: 4 });
  pool.on('error', () => undefined);
  const cache = createCache({ redis: { url: redisUrl, commandTimeout: '2s' }, namespace: 'p7' });
  const table = cache.resource('written', writtenTable(pool));
  await cache.ready();
  const caller = async (number: number): Promise<never> => {
    for (let n = from; ; n++) {
      const id = n % 3 === 0 ? number : CALLERS + 2 * (round * CALLERS + number) + (n % 3) - 1;
      try {
        await table.save(id, n);
        process.send?.({ id, n });
      } catch {
        // Refused, or its outcome unknown: not acknowledged. Redis is being killed.
        process.send?.({ refused: n });
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, (_, number) => caller(number)));
}

process.on('message', (order: WriteOrder) => void writeForEver(order));
process.on('disconnect', () => process.exit());
process.send?.({ ready: true });
