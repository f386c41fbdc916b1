import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { userIoredisDriver, type IoredisLike } from '../../../src/redis/drivers/user-ioredis.js';
import { MemoryLogger } from '../../support/memory-logger.js';

const warningsOf = (options: IoredisLike['options']): string => {
  const logger = new MemoryLogger();
  const client = Object.assign(new EventEmitter(), {
    status: 'ready',
    options,
    callBuffer: async () => 'OK',
  }) as unknown as IoredisLike;
  userIoredisDriver(client, logger);
  return logger.text;
};

describe('an ioredis client that is not ours', () => {
  it('is warned of if it carries commands out twice', () => {
    expect(warningsOf({ maxRetriesPerRequest: 20, autoResendUnfulfilledCommands: true })).toMatch(
      /carried out twice, late; set maxRetriesPerRequest: 0 \(it is 20\)/,
    );
    expect(warningsOf({ maxRetriesPerRequest: null })).toMatch(/it is unlimited/);
  });

  it('is warned of if it leaves promises unsettled for ever', () => {
    expect(warningsOf({ maxRetriesPerRequest: 20, autoResendUnfulfilledCommands: false })).toMatch(
      /autoResendUnfulfilledCommands is false.*never settles their promises.*maxRetriesPerRequest: 0/,
    );
  });

  it('is not warned of if it fails what was under way', () => {
    expect(warningsOf({ maxRetriesPerRequest: 0, autoResendUnfulfilledCommands: true })).toBe('');
    expect(warningsOf({ maxRetriesPerRequest: 0, autoResendUnfulfilledCommands: false })).toBe('');
  });
});
