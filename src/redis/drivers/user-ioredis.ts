import type { Logger } from '../../runtime/logger.js';
import type { Driver } from '../connection.js';
import type { CommandArgument, Reply } from '../port.js';
import { borrow, type Emitter } from './user-client.js';

/** What is used of a client of `ioredis`, of major version 5 or 6. */
export interface IoredisLike extends Emitter {
  readonly status: string;
  readonly options: {
    readonly maxRetriesPerRequest?: number | null;
    readonly autoResendUnfulfilledCommands?: boolean;
  };
  callBuffer(command: string, ...args: CommandArgument[]): Promise<unknown>;
}

/** A user's own `ioredis`. While it is not ready nothing is given to it, so its offline queue stays empty. */
export function userIoredisDriver(client: IoredisLike, logger: Logger): Driver {
  for (const warning of riskySettings(client)) logger.warn(warning);
  return {
    name: 'ioredis (the application’s)',
    address: 'the application’s client',
    open: (signal) =>
      borrow(client, {
        isReady: () => client.status === 'ready',
        send: (args) => client.callBuffer(String(args[0]), ...args.slice(1)) as Promise<Reply>,
        lossEvents: ['error', 'close', 'end', 'reconnecting'],
        signal,
      }),
    isReplyError: (error) => error instanceof Error && error.name === 'ReplyError',
  };
}

function riskySettings({ options }: IoredisLike): string[] {
  const warnings: string[] = [];
  if (options.maxRetriesPerRequest !== 0 && options.autoResendUnfulfilledCommands !== false) {
    warnings.push(
      `the ioredis client sends commands again that were under way when its connection was lost, so that a write may be ` +
        `carried out twice, late; set maxRetriesPerRequest: 0 (it is ${options.maxRetriesPerRequest ?? 'unlimited'})`,
    );
  }
  return warnings;
}
