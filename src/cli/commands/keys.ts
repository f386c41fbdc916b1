import { Option } from 'commander';
import { CacheError } from '../../errors.js';
import { escapeGlob } from '../../redis/scan.js';
import type { RedisPort } from '../../redis/port.js';
import type { CommandHost } from '../command-host.js';
import { EXIT } from '../exit-codes.js';
import { addConnectionOptions, type ConnectionFlags } from '../options/connection.js';
import { familyOf } from '../options/namespace.js';
import { addFamilyOption, addJsonOption, addScanOptions, type ScanFlags } from '../options/scanning.js';
import { wholeNumber } from '../options/values.js';
import { bytesText, countText, printable, spanText } from '../output/format.js';
import { print } from '../output/print.js';
import { progressOn, type Progress } from '../output/progress.js';
import { figures, table } from '../output/table.js';
import { globMatcher } from '../redis/glob.js';
import { isWithin, keyMeaning, type KeyMeaning } from '../redis/key-meaning.js';
import { askOfKeys, KeyScan, numberIn } from '../redis/key-scan.js';
import { withPort } from '../redis/with-redis.js';

interface KeysFlags extends ConnectionFlags, ScanFlags {
  readonly namespace?: string;
  readonly match: string;
  readonly limit: number;
  readonly json?: boolean;
}

interface ListedKey extends KeyMeaning {
  /** As it stands in Redis. */
  readonly redisKey: string;
  /** Milliseconds left; null where it never expires. */
  readonly ttl: number | null;
  /** By MEMORY USAGE; null where the server does not tell. */
  readonly bytes: number | null;
}

interface Listed {
  readonly keys: readonly ListedKey[];
  /** Whether that is all of them. */
  readonly complete: boolean;
  readonly looked: number;
}

/** `tiercel keys`: keys by name, with what they take and how long they live. */
export function keysCommand(host: CommandHost): void {
  const command = host
    .command(undefined, 'keys')
    .description('keys by name, with their life and size; they come in no order, and never by KEYS');
  addJsonOption(addScanOptions(addFamilyOption(addConnectionOptions(command)), 1_000_000))
    .addOption(
      new Option(
        '--match <glob>',
        'of the part behind the namespace, or of the whole key without one',
      ).default('*'),
    )
    .addOption(new Option('--limit <number>', 'keys to list at most').argParser(wholeNumber(1)).default(100));
  host.run<KeysFlags>(command, async (flags) => {
    const progress = await progressOn(host.terminal, 'keys');
    const found = await withPort(flags, command, (port) => listKeys(port, flags, progress)).finally(() =>
      progress.end(),
    );
    print(host.terminal, flags.json ?? false, found, () => listedText(found));
    return EXIT.ok;
  });
}

/** The servers one after the other, so that the limit is that of all of them. */
async function listKeys(port: RedisPort, flags: KeysFlags, progress: Progress): Promise<Listed> {
  const { match, limit, maxKeys, time } = flags;
  const family = familyOf(flags.namespace);
  const until = performance.now() + time;
  const pattern = family === undefined ? match : `*${escapeGlob(family)}:*${match}`;
  const matches = globMatcher(match);
  const keys: ListedKey[] = [];
  let complete = true;
  let looked = 0;
  for (const server of port.servers) {
    if (keys.length >= limit || looked >= maxKeys || performance.now() >= until) {
      complete = false;
      break;
    }
    const scan = new KeyScan(server, { pattern, maxKeys: maxKeys - looked, until, progress });
    for await (const page of scan.pages()) {
      const wanted = page.filter((key) => isWanted(key.toString(), family, matches));
      const taken = wanted.slice(0, limit - keys.length);
      keys.push(...(await describeKeys(server, taken)));
      if (taken.length < wanted.length) complete = false;
      if (keys.length >= limit) break;
    }
    looked += scan.looked;
    complete &&= scan.complete;
  }
  return { keys, complete, looked };
}

/** The pattern of SCAN may match in the namespace's own name, too. */
function isWanted(redisKey: string, family: string | undefined, matches: (text: string) => boolean): boolean {
  if (family === undefined) return true;
  if (!isWithin(keyMeaning(redisKey).namespace, family)) return false;
  const end = redisKey.indexOf('::');
  return matches(end === -1 ? redisKey : redisKey.slice(end + 2));
}

async function describeKeys(server: RedisPort, keys: readonly Buffer[]): Promise<ListedKey[]> {
  const answers = await askOfKeys(server, keys, [['PTTL'], ['MEMORY', 'USAGE']]);
  return keys.flatMap((key, i): ListedKey[] => {
    const [left, usage] = answers[i] ?? [];
    const ttl = numberIn(left);
    // Gone by now.
    if (ttl === undefined || ttl === -2) return [];
    const redisKey = key.toString();
    // Some users may not ask for it; their keys are listed all the same.
    const bytes = usage instanceof CacheError ? null : (numberIn(usage) ?? null);
    return [{ redisKey, ...keyMeaning(redisKey), ttl: ttl === -1 ? null : ttl, bytes }];
  });
}

function listedText({ keys, complete, looked }: Listed): string {
  const rest = complete
    ? `${countText(keys.length)} keys`
    : `${countText(keys.length)} keys, of ${countText(looked)} that were gone over: there may be more (--limit, --max-keys, --time)`;
  if (keys.length === 0) return rest;
  const rows = keys.map(({ redisKey, kind, ttl, bytes }) => [
    bytes === null ? '?' : bytesText(bytes),
    spanText(ttl ?? undefined),
    kind,
    printable(redisKey),
  ]);
  const columns = [figures('bytes'), figures('lives for'), { title: 'kind' }, { title: 'key' }];
  return `${table(columns, rows)}\n\n${rest}`;
}
