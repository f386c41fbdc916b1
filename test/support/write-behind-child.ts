/**
 * A process that writes behind at full speed until it is killed, and tells of every write that was acknowledged. Run by the test of
 * P7; told where to begin counting.
 */
import pg from 'pg';
import { createCache } from 'tiercel';
import { writtenTable } from './written-table.js';

const [, , redisUrl = '', postgresUrl = ''] = process.argv;
const CALLERS = 16;
const IDS_EACH = 3;

/** Each id belongs to one caller, who waits for each acknowledgement: so its writes have an order. */
async function writeForEver(from: number): Promise<void> {
  const pool = new pg.Pool({ connectionString: postgresUrl, max: 4 });
  pool.on('error', () => undefined);
  const cache = createCache({ redis: { url: redisUrl, commandTimeout: '2s' }, namespace: 'p7' });
  const table = cache.resource('written', writtenTable(pool));
  await cache.ready();
  const caller = async (number: number): Promise<never> => {
    for (let n = from; ; n++) {
      const id = number * IDS_EACH + (n % IDS_EACH);
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

process.on('message', (from: number) => void writeForEver(from));
process.on('disconnect', () => process.exit());
process.send?.({ ready: true });
