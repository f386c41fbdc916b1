import { applicationStats } from '../application-stats.js';
import type { CommandHost } from '../command-host.js';
import { countKeys, type KeyCounts } from '../count-keys.js';
import { addDashboardOptions, dashboardFrame, type DashboardFlags } from '../dashboard-frame.js';
import { EXIT } from '../exit-codes.js';
import { addConnectionOptions, type ConnectionFlags } from '../options/connection.js';
import { familyOf } from '../options/namespace.js';
import { addFamilyOption, addJsonOption, addScanOptions, type ScanFlags } from '../options/scanning.js';
import { bytesText, countText, printable, shareText, spanText } from '../output/format.js';
import { print } from '../output/print.js';
import { progressOn } from '../output/progress.js';
import { figures, listing, table } from '../output/table.js';
import { ServerInfo } from '../redis/server-info.js';
import { withPort } from '../redis/with-redis.js';
import { serverStats, type ServerStats } from '../server-stats.js';

interface StatsFlags extends ConnectionFlags, ScanFlags, DashboardFlags {
  readonly namespace?: string;
  readonly json?: boolean;
}

/** `tiercel stats`: what Redis counts, and the keys of each namespace. */
export function statsCommand(host: CommandHost): void {
  const command = host
    .command(undefined, 'stats')
    .description('hits, misses, memory, commands a second, and keys by namespace');
  addJsonOption(addDashboardOptions(addScanOptions(addFamilyOption(addConnectionOptions(command)), 100_000)));
  host.run<StatsFlags>(command, async (flags) => {
    const json = flags.json ?? false;
    if (flags.dashboard !== undefined) {
      const frame = await dashboardFrame(flags);
      print(host.terminal, json, frame, () => applicationStats(frame));
      return EXIT.ok;
    }
    const family = familyOf(flags.namespace);
    const progress = await progressOn(host.terminal, 'keys');
    const found = await withPort(flags, command, async (port) => {
      const servers = await Promise.all(
        port.servers.map(async (server) => serverStats(server.address, await ServerInfo.ask(server))),
      );
      return { servers, keys: await countKeys(port, { ...flags, family, progress }) };
    }).finally(() => progress.end());
    print(host.terminal, json, found, () =>
      [...found.servers.map(serverText), keysText(found.keys)].join('\n\n'),
    );
    return EXIT.ok;
  });
}

function serverText(stats: ServerStats): string {
  const { hits, misses, usedBytes, maxBytes, policy } = stats;
  const limit = maxBytes === 0 ? 'without a limit' : `of ${bytesText(maxBytes)}`;
  return listing([
    ['server', `${stats.address}, ${stats.product}, ${stats.role}, up for ${spanText(stats.uptime)}`],
    [
      'hit rate of Redis',
      `${shareText(stats.hitRate)} (${countText(hits)} hits, ${countText(misses)} misses)`,
    ],
    ['commands', `${countText(stats.opsPerSecond)} a second now, ${countText(stats.commands)} in all`],
    ['memory', `${bytesText(usedBytes)} ${limit}${policy === undefined ? '' : `, ${policy}`}`],
    ['keys', `${countText(stats.keys)}, ${countText(stats.expiring)} of them expire`],
    ['left', `${countText(stats.expired)} keys expired, ${countText(stats.evicted)} were evicted`],
    ['clients', `${countText(stats.clients)}, which ${countText(stats.trackedKeys)} keys are tracked for`],
  ]);
}

function keysText({ namespaces, complete, looked }: KeyCounts): string {
  const about = complete
    ? ''
    : `\nEstimated from ${countText(looked)} keys: --max-keys and --time look at more.`;
  if (namespaces.length === 0) return `No such keys were found.${about}`;
  const rows = namespaces.map(({ namespace, keys, kinds }) => {
    const parts = Object.entries(kinds).map(([kind, count]) => `${countText(count)} ${kind}`);
    return [namespace === undefined ? '(none)' : printable(namespace), countText(keys), parts.join(', ')];
  });
  return table([{ title: 'namespace' }, figures('keys'), { title: 'of them' }], rows) + about;
}
