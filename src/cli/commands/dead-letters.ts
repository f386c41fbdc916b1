import { Option, type Command } from 'commander';
import { Serializer } from '../../codec/serializer.js';
import { jsonCodec } from '../../codec/json.js';
import { msgpackCodec } from '../../codec/msgpack.js';
import { v8Codec } from '../../codec/v8.js';
import type { RedisPort } from '../../redis/port.js';
import { shown } from '../../runtime/shown.js';
import { DeadLetters, type DeadLetter } from '../../strategies/write-behind/dead-letters.js';
import { Partition } from '../../strategies/write-behind/partition.js';
import { partitionKeys } from '../../strategies/write-behind/partition-keys.js';
import type { PendingWrite } from '../../strategies/write-behind/pending-write.js';
import type { CommandHost } from '../command-host.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { Failure } from '../failure.js';
import { findQueues, queueText, type FoundQueue } from '../find-queues.js';
import { addConnectionOptions, type ConnectionFlags } from '../options/connection.js';
import { familyOf, namespaceKeys } from '../options/namespace.js';
import { addFamilyOption, addJsonOption, addScanOptions, type ScanFlags } from '../options/scanning.js';
import { wholeNumber } from '../options/values.js';
import { countText, printable, spanText } from '../output/format.js';
import { print } from '../output/print.js';
import { progressOn } from '../output/progress.js';
import { table } from '../output/table.js';
import { withPort } from '../redis/with-redis.js';
import { UsageError } from '../usage-error.js';

interface QueueFlags extends ConnectionFlags, ScanFlags {
  readonly namespace?: string;
  readonly queue?: string;
  readonly json?: boolean;
}

interface ListFlags extends QueueFlags {
  readonly limit: number;
}

interface ChangeFlags extends QueueFlags {
  readonly all?: boolean;
  readonly yes?: boolean;
}

interface ListedLetter extends Omit<DeadLetter, 'value'> {
  readonly namespace: string;
  readonly queue: string;
  /** As `util.inspect` gives it; null for a removal, and where this program cannot read it. */
  readonly shown: string | null;
}

/** `tiercel dead-letters`: writes that the database kept refusing. Nothing is written to the database from here. */
export function deadLettersCommand(host: CommandHost): void {
  const group = host
    .command(undefined, 'dead-letters')
    .description('writes that the database kept refusing: list them, have them tried again, or give them up');
  addList(host, group);
  addReplay(host, group);
  addDrop(host, group);
}

function addList(host: CommandHost, group: Command): void {
  const command = host
    .command(group, 'list')
    .description('those of all queues, or of one, the oldest of each first');
  addQueueOptions(command).addOption(
    new Option('--limit <number>', 'letters to list at most').argParser(wholeNumber(1)).default(100),
  );
  host.run<ListFlags>(command, async (flags) => {
    const found = await withQueues(host, flags, command, async (port, queues) => {
      const letters: ListedLetter[] = [];
      for (const queue of queues) {
        for await (const { value, ...letter } of lettersOf(port, queue).list()) {
          if (letters.length >= flags.limit) return { letters, complete: false };
          const text = value === undefined ? null : shown(value);
          letters.push({ namespace: queue.namespace, queue: queue.name, ...letter, shown: text });
        }
      }
      return { letters, complete: true };
    });
    print(host.terminal, flags.json ?? false, found, () => lettersText(found.letters, found.complete));
    return EXIT.ok;
  });
}

function addReplay(host: CommandHost, group: Command): void {
  const command = host
    .command(group, 'replay')
    .argument('[letters...]', 'as `list` names them, such as 0/1700000000000-0')
    .description('puts them back into the queue; a process of the application then tries them again');
  addChangeOptions(command);
  host.run<ChangeFlags>(command, (flags, _, [given]) =>
    change(host, flags, command, given as readonly string[], async (dead, letter) => dead.replay(letter)),
  );
}

function addDrop(host: CommandHost, group: Command): void {
  const command = host
    .command(group, 'drop')
    .argument('[letters...]', 'as `list` names them, such as 0/1700000000000-0')
    .description('gives them up for good: the database will never have these writes');
  addChangeOptions(command);
  host.run<ChangeFlags>(command, async (flags, _, [given]) => {
    if (!flags.yes) throw new UsageError('drop: these writes are lost for good: say --yes if you mean it');
    return change(host, flags, command, given as readonly string[], async (dead, letter) =>
      (await dead.drop(letter)) ? 'dropped' : 'gone',
    );
  });
}

function addQueueOptions(command: Command): Command {
  addJsonOption(addScanOptions(addFamilyOption(addConnectionOptions(command)), 1_000_000));
  return command.addOption(new Option('--queue <name>', 'only the queue of this resource'));
}

function addChangeOptions(command: Command): void {
  addQueueOptions(command)
    .addOption(new Option('--all', 'all letters of the queue'))
    .addOption(new Option('--yes', 'do not ask'));
}

/** What becomes of the letters that were named, each counted by its outcome. Fails where one of them is not there. */
async function change(
  host: CommandHost,
  flags: ChangeFlags,
  command: Command,
  names: readonly string[],
  act: (dead: DeadLetters, letter: Pick<DeadLetter, 'letter' | 'id'>) => Promise<string>,
): Promise<ExitCode> {
  if (flags.queue === undefined)
    throw new UsageError(`${command.name()}: --queue is missing: letters are named within their queue`);
  if (flags.all ? names.length > 0 : names.length === 0) {
    throw new UsageError(`${command.name()}: name the letters, or say --all`);
  }
  const outcomes = await withQueues(host, flags, command, async (port, queues) => {
    const [queue, ...others] = queues;
    if (!queue) throw new Failure(`there is no queue '${flags.queue}'`);
    if (others.length > 0) {
      throw new UsageError(
        `--queue: several have this name (${queues.map(queueText).join(', ')}): say --namespace`,
      );
    }
    const dead = lettersOf(port, queue);
    const wanted = new Set(names);
    const found = new Map<string, Pick<DeadLetter, 'letter' | 'id'>>();
    for await (const { letter, id } of dead.list())
      if (flags.all || wanted.has(letter)) found.set(letter, { letter, id });
    const counts: Record<string, number> = {};
    for (const name of flags.all ? found.keys() : wanted) {
      const letter = found.get(name);
      const outcome = letter ? await act(dead, letter) : 'gone';
      counts[outcome] = (counts[outcome] ?? 0) + 1;
    }
    return counts;
  });
  const words = Object.entries(outcomes).map(([outcome, count]) => `${countText(count)} ${outcome}`);
  print(host.terminal, flags.json ?? false, outcomes, () =>
    words.length === 0 ? 'There are none.' : words.join(', '),
  );
  return outcomes['gone'] === undefined ? EXIT.ok : EXIT.failed;
}

/** The queues wanted, which are found by their keys: nobody else knows of them. */
async function withQueues<T>(
  host: CommandHost,
  flags: QueueFlags,
  command: Command,
  work: (port: RedisPort, queues: readonly FoundQueue[]) => Promise<T>,
): Promise<T> {
  const family = familyOf(flags.namespace);
  const progress = await progressOn(host.terminal, 'keys');
  return withPort(flags, command, async (port) => {
    const maxKeys = Math.ceil(flags.maxKeys / port.servers.length);
    const { queues, complete } = await findQueues(port, { family, maxKeys, time: flags.time, progress });
    progress.end();
    if (!complete) {
      host.terminal.stderr.write(
        'tiercel: not all keys were gone over, so there may be more queues (--max-keys, --time)\n',
      );
    }
    return work(
      port,
      queues.filter(({ name }) => flags.queue === undefined || name === flags.queue),
    );
  }).finally(() => progress.end());
}

function lettersOf(port: RedisPort, { namespace, name, partitions }: FoundQueue): DeadLetters {
  const keys = namespaceKeys(namespace);
  const serializer = new Serializer(msgpackCodec(), [jsonCodec(), v8Codec()]);
  const decode = ({ entry }: PendingWrite): unknown => {
    const decoded = entry && serializer.decode(entry);
    return decoded?.ok ? decoded.value : undefined;
  };
  const all = Array.from(
    { length: partitions },
    (_, index) => new Partition(port, partitionKeys(keys, name, index)),
  );
  // Whoever drains the queue looks for work by itself, three times a lease at least.
  return new DeadLetters(all, decode, () => undefined);
}

function lettersText(letters: readonly ListedLetter[], complete: boolean): string {
  if (letters.length === 0) return 'There are no dead letters.';
  const rows = letters.map((letter) => [
    printable(letter.namespace === '' ? letter.queue : `${letter.namespace} ${letter.queue}`),
    letter.letter,
    printable(String(letter.id)),
    letter.kind,
    `${spanText(Math.max(0, Date.now() - letter.queuedAt))} ago`,
    printable(letter.error),
  ]);
  const columns = ['queue', 'letter', 'id', 'kind', 'written', 'the last word of the database'];
  const text = table(
    columns.map((title) => ({ title })),
    rows,
  );
  return complete ? text : `${text}\n\nThere are more (--limit).`;
}
