import { Option } from 'commander';
import type { MemoryReport, MemoryShare } from '../../report/memory-report.js';
import type { CommandHost } from '../command-host.js';
import { EXIT } from '../exit-codes.js';
import { addConnectionOptions } from '../options/connection.js';
import { addJsonOption, addNamespaceOptions, addScanOptions, type ScanFlags } from '../options/scanning.js';
import { wholeNumber } from '../options/values.js';
import { bytesText, countText, printable, shareText, spanText } from '../output/format.js';
import { print } from '../output/print.js';
import { progressOn } from '../output/progress.js';
import { figures, listing, table } from '../output/table.js';
import { withCache, type CacheFlags } from '../redis/with-redis.js';

interface MemoryFlags extends CacheFlags, ScanFlags {
  readonly compare: number;
  readonly largest: number;
  readonly json?: boolean;
}

/** `tiercel memory`: the report of `cache.memory()`. */
export function memoryCommand(host: CommandHost): void {
  const command = host
    .command(undefined, 'memory')
    .description('what a namespace takes in Redis, of what, and what it would take stored otherwise');
  addJsonOption(addScanOptions(addNamespaceOptions(addConnectionOptions(command)), 10_000))
    .addOption(
      new Option('--compare <number>', 'values to store otherwise, on paper; 0 for none')
        .argParser(wholeNumber(0))
        .default(200),
    )
    .addOption(
      new Option('--largest <number>', 'of the largest keys to name').argParser(wholeNumber(0)).default(10),
    );
  host.run<MemoryFlags>(command, async (flags) => {
    const progress = await progressOn(host.terminal);
    const { maxKeys, time, compare, largest } = flags;
    let told = 0;
    progress.expect(100);
    const onProgress = (share: number): void => {
      const now = Math.floor(100 * share);
      progress.looked(now - told);
      told = now;
    };
    const report = await withCache(flags, command, (cache) =>
      cache.memory({ maxKeys, timeout: time, compare, largest, onProgress }),
    ).finally(() => progress.end());
    print(host.terminal, flags.json ?? false, report, () => reportText(report));
    return EXIT.ok;
  });
}

function reportText(report: MemoryReport): string {
  const { total, databaseKeys, complete, stoppedBy, parts, largest, alternatives } = report;
  const name = report.namespace === '' ? 'bare keys' : `namespace ${printable(report.namespace)}`;
  const how = complete
    ? 'every key was measured'
    : `estimated from ${countText(total.sampled.keys)} keys, because of ${stoppedBy === 'timeout' ? '--time' : '--max-keys'}`;
  const { keys, bytes } = total.estimated;
  const sections = [
    `${name}: ${bytesText(bytes)} in ${countText(keys)} keys, of ${countText(databaseKeys)} on the servers; ${how}`,
    shares('kind', report.kinds, bytes),
    shares('namespace', report.namespaces, bytes),
    shares('codec', report.codecs, bytes),
    report.kinds.value.sampled.keys === 0
      ? ''
      : listing([
          ['payloads', bytesText(parts.payloads.estimatedBytes)],
          ['headers', bytesText(parts.headers.estimatedBytes)],
          ['names of keys', bytesText(parts.keyNames.estimatedBytes)],
          ["Redis's own", bytesText(parts.redis.estimatedBytes)],
        ]),
  ];
  if (largest.length > 0) {
    const rows = largest.map((key) => [
      bytesText(key.bytes),
      spanText(key.ttl),
      key.kind,
      printable(key.redisKey),
    ]);
    sections.push(
      table([figures('largest'), figures('lives for'), { title: 'kind' }, { title: 'key' }], rows),
    );
  }
  if (alternatives.some(({ values }) => values > 0)) {
    const rows = alternatives.map(({ codec, compressor, ratio, encodeMicros, decodeMicros, refused }) => [
      codec,
      compressor,
      shareText(ratio),
      encodeMicros.toFixed(1),
      decodeMicros.toFixed(1),
      countText(refused),
    ]);
    sections.push(
      table(
        [
          { title: 'codec' },
          { title: 'compressor' },
          figures('of now'),
          figures('µs in'),
          figures('µs out'),
          figures('refused'),
        ],
        rows,
      ),
    );
  }
  return sections.filter((section) => section !== '').join('\n\n');
}

/** Those that there is anything of, the largest first. */
function shares(title: string, of: Readonly<Record<string, MemoryShare>>, all: number): string {
  const rows = Object.entries(of)
    .filter(([, { estimated }]) => estimated.keys > 0)
    .sort(([, a], [, b]) => b.estimated.bytes - a.estimated.bytes)
    .map(([name, { estimated }]) => [
      printable(name),
      countText(estimated.keys),
      bytesText(estimated.bytes),
      shareText(all === 0 ? undefined : estimated.bytes / all),
    ]);
  if (rows.length === 0) return '';
  return table([{ title }, figures('keys'), figures('bytes'), figures('of all')], rows);
}
