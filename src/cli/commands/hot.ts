import { Option } from 'commander';
import type { HotKeys } from '../../metrics/snapshot.js';
import type { CommandHost } from '../command-host.js';
import { addDashboardOptions, dashboardFrame, type DashboardFlags } from '../dashboard-frame.js';
import { EXIT } from '../exit-codes.js';
import { findHotKeys, type FoundHotKey, type HotKeysOf } from '../find-hot-keys.js';
import { addConnectionOptions, type ConnectionFlags } from '../options/connection.js';
import { familyOf } from '../options/namespace.js';
import { addFamilyOption, addJsonOption, addScanOptions, type ScanFlags } from '../options/scanning.js';
import { wholeNumber } from '../options/values.js';
import { countText, printable, shareText } from '../output/format.js';
import { print } from '../output/print.js';
import { progressOn } from '../output/progress.js';
import { figures, table } from '../output/table.js';
import { withPort } from '../redis/with-redis.js';

interface HotFlags extends ConnectionFlags, ScanFlags, DashboardFlags {
  readonly namespace?: string;
  readonly limit: number;
  readonly rounds: number;
  readonly json?: boolean;
}

/** What the figures mean: they are of another kind for each method. */
const MEANING = {
  lfu:
    'heat: the counter of Redis (OBJECT FREQ), 0 to 255. It is logarithmic and falls while a key is not used: by the ' +
    'default lfu-log-factor a new key has 5, and one that was used a thousand times lately about 18, a hundred thousand times 142.',
  'idle-time':
    'heat: in how many of the looks, a second apart, the key had been used within the last second (OBJECT IDLETIME). Redis ' +
    'counts uses only with a maxmemory-policy of LFU.',
};
const ONLY_REDIS =
  'Only what Redis is asked for: reads that processes answer from their own memory are not in it (--dashboard has those).';

/** `tiercel hot`: the keys asked for most. */
export function hotCommand(host: CommandHost): void {
  const command = host
    .command(undefined, 'hot')
    .description(
      'the keys that Redis is asked for most, without MONITOR; with --dashboard, those an application reads most',
    );
  addJsonOption(addDashboardOptions(addScanOptions(addFamilyOption(addConnectionOptions(command)), 100_000)))
    .addOption(new Option('--limit <number>', 'keys to list at most').argParser(wholeNumber(1)).default(20))
    .addOption(
      new Option('--rounds <number>', 'looks, a second apart, where Redis does not count uses')
        .argParser(wholeNumber(1))
        .default(5),
    );
  host.run<HotFlags>(command, async (flags) => {
    const json = flags.json ?? false;
    if (flags.dashboard !== undefined) {
      const { snapshot } = await dashboardFrame(flags);
      const hot: HotKeys = snapshot.hotKeys ?? { total: 0, floor: 0, keys: [] };
      print(host.terminal, json, { method: 'application', ...hot }, () => applicationText(hot));
      return EXIT.ok;
    }
    const family = familyOf(flags.namespace);
    const progress = await progressOn(host.terminal, 'keys');
    const servers = await withPort(flags, command, (port) => {
      const bounds = { ...flags, family, progress, maxKeys: Math.ceil(flags.maxKeys / port.servers.length) };
      return Promise.all(port.servers.map((server) => findHotKeys(server, bounds)));
    }).finally(() => progress.end());
    const keys = servers
      .flatMap((one) => one.keys)
      .sort((a, b) => b.heat - a.heat)
      .slice(0, flags.limit);
    const report = {
      servers: servers.map(({ server, method, rounds, complete, looked }) => ({
        server,
        method,
        rounds,
        complete,
        looked,
      })),
      keys,
    };
    print(host.terminal, json, report, () => hotText(servers, keys));
    return EXIT.ok;
  });
}

function hotText(servers: readonly HotKeysOf[], keys: readonly FoundHotKey[]): string {
  const methods = [...new Set(servers.map(({ method }) => method))];
  const looked = servers.reduce((sum, one) => sum + one.looked, 0);
  const partly = servers.every(({ complete }) => complete)
    ? ''
    : `\nOnly ${countText(looked)} keys were gone over: there may be hotter ones (--max-keys, --time).`;
  const about = `${methods.map((method) => MEANING[method]).join('\n')}\n${ONLY_REDIS}${partly}`;
  if (keys.length === 0) return `No key was found to be used.\n\n${about}`;
  const rows = keys.map(({ heat, server, redisKey }) => [String(heat), server, printable(redisKey)]);
  return `${table([figures('heat'), { title: 'server' }, { title: 'key' }], rows)}\n\n${about}`;
}

function applicationText({ keys }: HotKeys): string {
  if (keys.length === 0) return 'The application counted no reads, or looks for no hot keys.';
  const rows = keys.map(({ reads, share, namespace, key }) => [
    countText(reads),
    shareText(share),
    printable(namespace),
    printable(key),
  ]);
  const columns = [figures('reads'), figures('of all'), { title: 'namespace' }, { title: 'key' }];
  return `${table(columns, rows)}\n\nEstimated from a sample of the reads of one process, those from its memory among them.`;
}
