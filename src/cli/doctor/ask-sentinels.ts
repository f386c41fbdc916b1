import { parseDuration } from '../../duration.js';
import { defaultDriver } from '../../redis/open-port.js';
import type { RedisSentinelOptions } from '../../redis/options.js';
import { replyText } from '../../redis/reply-text.js';
import { sentinelSettings } from '../../redis/sentinel/sentinel-options.js';
import { untilAborted } from '../../runtime/until-aborted.js';
import type { SentinelFacts } from './facts.js';

/** Asks each sentinel by itself whether there could be a failover. Never rejects. */
export async function askSentinels(redis: RedisSentinelOptions): Promise<SentinelFacts[]> {
  const { name, sentinels } = sentinelSettings(redis);
  const patience = parseDuration(redis.commandTimeout ?? 5000, 'timeout');
  return Promise.all(
    sentinels.map(async (address): Promise<SentinelFacts> => {
      const driver = defaultDriver(address, false);
      const signal = AbortSignal.timeout(patience);
      try {
        const connection = await untilAborted(driver.open(signal), signal, (late) => late.release());
        try {
          const reply = await untilAborted(connection.send(['SENTINEL', 'CKQUORUM', name]), signal);
          return { address: driver.address, quorum: { known: true, value: replyText(reply) } };
        } finally {
          connection.release();
        }
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        // That there is no quorum is told as an error.
        const told = driver.isReplyError(error) && why.startsWith('NOQUORUM');
        return {
          address: driver.address,
          quorum: told ? { known: true, value: why } : { known: false, why },
        };
      }
    }),
  );
}
