import { Option } from 'commander';
import type { CommandHost } from '../command-host.js';
import { EXIT } from '../exit-codes.js';
import { addConnectionOptions } from '../options/connection.js';
import { addJsonOption, addNamespaceOptions } from '../options/scanning.js';
import { collected } from '../options/values.js';
import { countText } from '../output/format.js';
import { print } from '../output/print.js';
import { withCache, type CacheFlags } from '../redis/with-redis.js';
import { UsageError } from '../usage-error.js';

interface InvalidateFlags extends CacheFlags {
  readonly tag?: readonly string[];
  readonly all?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

/**
 * A tag's record is kept for twice this. Entries that live for longer than that are loaded once more when it goes; no entry
 * comes back by it.
 */
const RECORDS = { ttl: '30d' } as const;

/** `tiercel invalidate`: by the library's own ways, so that the memory of running processes hears of it. */
export function invalidateCommand(host: CommandHost): void {
  const command = host
    .command(undefined, 'invalidate')
    .argument('[keys...]', 'as the application gives them, without the namespace')
    .description('removes keys, tags, or a whole namespace; every process drops its copies');
  addJsonOption(addNamespaceOptions(addConnectionOptions(command)))
    .addOption(
      new Option('--tag <tag>', 'all that has this tag; may be given several times').argParser(collected),
    )
    .addOption(new Option('--all', 'the whole namespace, but not those within it; needs --yes'))
    .addOption(new Option('--yes', 'do not ask'))
    .addOption(new Option('--pubsub', "the application has coherence: 'pubsub'"));
  host.run<InvalidateFlags>(command, async (flags, _, [given]) => {
    const keys = given as readonly string[];
    const tags = flags.tag ?? [];
    checkWanted(keys, tags, flags);
    const done = await withCache(
      flags,
      command,
      async (cache) => {
        const removed = keys.length > 0 ? await cache.deleteMany(keys) : 0;
        if (tags.length > 0) await cache.invalidateTags(tags);
        if (flags.all) await cache.clear();
        return { namespace: flags.namespace, keys: keys.length, removed, tags, all: flags.all ?? false };
      },
      flags.plain ? {} : RECORDS,
    );
    print(host.terminal, flags.json ?? false, done, () => {
      const lines = [];
      if (keys.length > 0)
        lines.push(
          `${countText(done.removed)} of ${countText(keys.length)} keys were there, and are removed.`,
        );
      if (tags.length > 0)
        lines.push(`Nothing with ${tags.length === 1 ? 'this tag' : 'these tags'} is served any more.`);
      if (done.all) lines.push(`The namespace ${flags.namespace} is empty.`);
      return lines.join('\n');
    });
    return EXIT.ok;
  });
}

function checkWanted(
  keys: readonly string[],
  tags: readonly string[],
  { all, yes, namespace }: InvalidateFlags,
): void {
  if (all && keys.length + tags.length > 0)
    throw new UsageError('--all is the whole namespace: give no keys or tags with it');
  if (all && !yes)
    throw new UsageError(
      `--all removes every entry of the namespace '${namespace}': say --yes if you mean it`,
    );
  if (!all && keys.length + tags.length === 0)
    throw new UsageError('invalidate: give keys, --tag, or --all with --yes');
}
