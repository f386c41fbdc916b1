import { insidesOf } from '../../manager/cache-manager.js';
import { keySpace } from '../../manager/cache-parts.js';
import { assertKey } from '../../validate.js';
import type { CommandHost } from '../command-host.js';
import { EXIT } from '../exit-codes.js';
import { Failure } from '../failure.js';
import { inspectKey, type InspectedKey, type KeyStatus } from '../inspect-key.js';
import { addConnectionOptions } from '../options/connection.js';
import { addJsonOption, addNamespaceOptions } from '../options/scanning.js';
import { bytesText, printable, spanText } from '../output/format.js';
import { print } from '../output/print.js';
import { listing } from '../output/table.js';
import { withCache, type CacheFlags } from '../redis/with-redis.js';

interface InspectFlags extends CacheFlags {
  readonly json?: boolean;
}

/** Stale entries are judged too, as long as their own header gives them. */
const ANY_STALE = { staleWhileRevalidate: '365d' } as const;

/** `tiercel inspect <key>`: one entry, decoded. */
export function inspectCommand(host: CommandHost): void {
  const command = host
    .command(undefined, 'inspect')
    .argument('<key>', 'as the application gives it, without the namespace')
    .description('one entry: its value, age, life, tags, codec, size, and whether somebody loads it');
  addJsonOption(addNamespaceOptions(addConnectionOptions(command)));
  host.run<InspectFlags>(command, async (flags, _, [key]) => {
    assertKey(key, 'inspect');
    const plain = flags.plain ?? false;
    const found = await withCache(
      flags,
      command,
      async (cache) => {
        const inside = insidesOf(cache);
        const port = inside?.cache.port;
        if (!inside || !port) throw new Failure('the cache was opened without Redis');
        return inspectKey(key, { port, keys: keySpace(inside.path), cache, plain });
      },
      plain ? {} : ANY_STALE,
    );
    if (!found) throw new Failure(`there is no key '${key}' in ${place(flags.namespace)}`);
    print(host.terminal, flags.json ?? false, found, () => inspectedText(found));
    return EXIT.ok;
  });
}

function place(namespace: string): string {
  return namespace === '' ? 'the bare keys' : `the namespace '${namespace}'`;
}

const STATUS: Readonly<Record<KeyStatus, string>> = {
  fresh: 'fresh: it is served',
  stale: 'stale: past its ttl, served only by those who accept that',
  loading: 'loading: there is no value yet, and somebody loads it',
  outdated: 'outdated: not served, because its time is over or one of its tags was invalidated',
  unreadable: 'unreadable: taken for a miss',
  foreign: 'foreign: not written by Tiercel in this way',
};

function inspectedText(key: InspectedKey): string {
  const { header } = key;
  const rows: Array<[string, string]> = [
    ['key', printable(key.redisKey)],
    ['status', STATUS[key.status]],
  ];
  if (key.reason !== undefined) rows.push(['because', printable(key.reason)]);
  rows.push(['Redis keeps it', spanText(key.ttl ?? undefined)]);
  if (key.bytes !== null) rows.push(['takes', `${bytesText(key.bytes)} (${key.type})`]);
  if (header) {
    rows.push(
      ['loaded', `${new Date(header.createdAt).toISOString()}, ${spanText(header.age)} ago`],
      ['fresh for', spanText(header.freshFor ?? undefined)],
      ['of use for', spanText(header.usableFor ?? undefined)],
      ['codec', `${header.codec}, compressor ${header.compressor}`],
      ['tags', header.tags.length === 0 ? 'none' : header.tags.map(printable).join(', ')],
    );
    if (header.loadTook !== null) rows.push(['the load took', spanText(header.loadTook)]);
  }
  if (key.underWay)
    rows.push(['under way', `a load or refresh, whose lease runs out in ${spanText(key.underWay.lease)}`]);
  if (key.idle !== null) rows.push(['last used', `${spanText(key.idle)} ago`]);
  if (key.frequency !== null) rows.push(['LFU counter', `${key.frequency} of 255`]);
  const text = listing(rows);
  return key.shown === undefined ? text : `${text}\n\n${key.shown}`;
}
