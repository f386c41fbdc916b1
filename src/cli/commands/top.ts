import { setTimeout as pause } from 'node:timers/promises';
import { Option } from 'commander';
import { CacheError } from '../../errors.js';
import type { RedisPort } from '../../redis/port.js';
import { applicationStats } from '../application-stats.js';
import type { CommandHost } from '../command-host.js';
import {
  addDashboardOptions,
  DashboardError,
  dashboardFrame,
  type DashboardFlags,
} from '../dashboard-frame.js';
import { EXIT } from '../exit-codes.js';
import { addConnectionOptions, type ConnectionFlags } from '../options/connection.js';
import { addJsonOption } from '../options/scanning.js';
import { duration } from '../options/values.js';
import { bytesText, countText, printable, shareText } from '../output/format.js';
import { liveView } from '../output/live-view.js';
import { print } from '../output/print.js';
import { figures, table } from '../output/table.js';
import { ServerInfo } from '../redis/server-info.js';
import { withPort } from '../redis/with-redis.js';
import { serverRates, type ServerRates } from '../server-rates.js';
import { serverStats, type ServerStats } from '../server-stats.js';

interface TopFlags extends ConnectionFlags, DashboardFlags {
  readonly interval: number;
  readonly json?: boolean;
}

/** `tiercel top`: what the servers do now. On a terminal again and again; elsewhere, and as JSON, once. */
export function topCommand(host: CommandHost): void {
  const command = host
    .command(undefined, 'top')
    .description('what the servers do now, live; q ends it. Without a terminal, and with --json, one frame');
  addJsonOption(addDashboardOptions(addConnectionOptions(command))).addOption(
    new Option('--interval <duration>', 'between two looks').argParser(duration(100)).default(2000, '2s'),
  );
  host.run<TopFlags>(command, async (flags) => {
    const { terminal } = host;
    const isLive = terminal.stdout.isTTY === true && !flags.json;
    if (flags.dashboard !== undefined) {
      if (isLive) await liveView(terminal, applicationFrames(flags));
      else {
        const frame = await dashboardFrame(flags);
        print(terminal, flags.json ?? false, frame, () => applicationStats(frame));
      }
      return EXIT.ok;
    }
    await withPort(flags, command, async (port) => {
      const watch = new ServersWatch(port, flags.interval);
      await watch.begin();
      if (isLive) await liveView(terminal, (ended) => orWhyNot(watch.next(ended).then(ratesText)));
      else {
        const servers = await watch.next();
        print(terminal, flags.json ?? false, { servers }, () => ratesText(servers));
      }
    });
    return EXIT.ok;
  });
}

/** What the servers did since the last look. */
class ServersWatch {
  readonly #port: RedisPort;
  readonly #interval: number;
  #before = new Map<string, ServerStats>();
  #at = 0;

  constructor(port: RedisPort, interval: number) {
    this.#port = port;
    this.#interval = interval;
  }

  async begin(): Promise<void> {
    this.#before = await this.#look();
    this.#at = performance.now();
  }

  /** After the interval, or sooner where it is told to end. A server that has just come counts from its next look on. */
  async next(ended?: AbortSignal): Promise<ServerRates[]> {
    await paused(this.#interval, ended);
    if (ended?.aborted) return [];
    const now = await this.#look();
    const interval = performance.now() - this.#at;
    this.#at = performance.now();
    const rates = [...now].map(([address, stats]) =>
      serverRates(this.#before.get(address) ?? stats, stats, interval),
    );
    this.#before = now;
    return rates;
  }

  async #look(): Promise<Map<string, ServerStats>> {
    const all = await Promise.all(
      this.#port.servers.map(async (server) => serverStats(server.address, await ServerInfo.ask(server))),
    );
    return new Map(all.map((stats) => [stats.address, stats]));
  }
}

function applicationFrames(flags: TopFlags): (ended: AbortSignal) => Promise<string> {
  let isFirst = true;
  return async (ended) => {
    if (!isFirst) await paused(flags.interval, ended);
    isFirst = false;
    return ended.aborted ? '' : orWhyNot(dashboardFrame(flags).then(applicationStats));
  };
}

/** Until then, or until it is told to end. */
async function paused(ms: number, ended: AbortSignal | undefined): Promise<void> {
  await pause(ms, undefined, ended && { signal: ended }).catch(() => undefined);
}

/** A view that lives on: the server may be back with the next frame. */
async function orWhyNot(frame: Promise<string>): Promise<string> {
  try {
    return await frame;
  } catch (error) {
    if (error instanceof CacheError || error instanceof DashboardError) return printable(error.message);
    throw error;
  }
}

function ratesText(servers: readonly ServerRates[]): string {
  const columns = [
    { title: 'server' },
    figures('commands/s'),
    figures('hits/s'),
    figures('misses/s'),
    figures('hit rate'),
    figures('evicted/s'),
    figures('in/s'),
    figures('out/s'),
    figures('memory'),
    figures('keys'),
    figures('clients'),
    figures('tracked'),
  ];
  const rows = servers.map((one) => [
    one.address,
    countText(one.opsPerSecond),
    countText(one.hitsPerSecond),
    countText(one.missesPerSecond),
    shareText(one.hitRate),
    countText(one.evictedPerSecond),
    bytesText(Math.round(one.readBytesPerSecond)),
    bytesText(Math.round(one.writtenBytesPerSecond)),
    one.maxBytes === 0 ? bytesText(one.usedBytes) : shareText(one.usedBytes / one.maxBytes),
    countText(one.keys),
    countText(one.clients),
    countText(one.trackedKeys),
  ]);
  return table(columns, rows);
}
