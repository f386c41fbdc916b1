import type { CacheError } from '../errors.js';
import type {
  Command,
  CommandArgument,
  KeyPart,
  Layout,
  PortState,
  Reader,
  Receiver,
  RedisPort,
  Reply,
  StateChange,
} from '../redis/port.js';
import { Replies } from '../redis/replies.js';
import { Script } from '../redis/script.js';
import { ANNOUNCED_COMMAND, announcedScript } from './announced-script.js';
import { changeOf } from './changed-keys.js';
import { Publisher } from './publisher.js';

/**
 * A port that tells other processes of every change made through it, by a message on a channel of the namespace family: of
 * each entry that is stored, removed or given another life, of leases that are given back, of tag records, and of what is
 * made up for after an outage. Reads go through as they are.
 *
 * A change and its message are one script, so the message comes after the change and never without it (see
 * `announced-script.ts`). Each command stays one about its own key: `PUBLISH` has none, and on a Cluster reaches every node.
 *
 * It hears nothing itself, and leaves `onInvalidate` to the port below.
 */
export class AnnouncingPort implements RedisPort {
  readonly publisher: Publisher;
  readonly shardOf?: (key: string) => RedisPort;
  readonly layout?: () => Promise<Layout>;
  readonly #port: RedisPort;
  readonly #channel: string;
  /** The servers of the port, each made once: whoever keeps something about one knows it again. */
  readonly #servers = new Map<RedisPort, AnnouncingPort>();

  /** @param publisher - of the port that this one is a server of. */
  constructor(port: RedisPort, channel: string, publisher?: Publisher) {
    this.#port = port;
    this.#channel = channel;
    this.publisher = publisher ?? new Publisher((message) => this.#publish(message));
    if (port.layout) this.layout = async () => (port.layout as () => Promise<Layout>)();
    if (port.shardOf) this.shardOf = (key) => this.#server(port.shardOf?.(key) ?? port);
  }

  get state(): PortState {
    return this.#port.state;
  }

  get address(): string {
    return this.#port.address;
  }

  get servers(): readonly RedisPort[] {
    return this.#port.servers.map((server) => this.#server(server));
  }

  get failsOver(): boolean {
    return this.#port.failsOver ?? false;
  }

  get tracking(): boolean {
    return this.#port.tracking;
  }

  connect(): Promise<void> {
    return this.#port.connect();
  }

  get(key: string, deadline?: number): Promise<Buffer | null> {
    return this.#port.get(key, deadline);
  }

  readTo(key: string, reader: Reader, slot: number, source: object | undefined): void {
    this.#port.readTo(key, reader, slot, source);
  }

  getMany(keys: readonly string[], deadline?: number): Promise<Array<Buffer | null | CacheError>> {
    return this.#port.getMany(keys, deadline);
  }

  send(command: Command, deadline?: number): Promise<Reply> {
    return this.#announced(command, deadline) ?? this.#port.send(command, deadline);
  }

  sendTo(command: Command, receiver: Receiver<Reply>, slot: number): void {
    const announced = this.#announced(command);
    if (!announced) return this.#port.sendTo(command, receiver, slot);
    announced.then(
      (reply) => receiver.received(reply, slot),
      (error: unknown) => receiver.failed(error as CacheError, slot),
    );
  }

  sendAll(commands: readonly Command[], deadline?: number): Promise<Array<Reply | CacheError>> {
    return Replies.of<Reply>(commands.length, (replies) => {
      for (const [slot, command] of commands.entries()) {
        this.send(command, deadline).then(
          (reply) => replies.received(reply, slot),
          (error: unknown) => replies.failed(error as CacheError, slot),
        );
      }
    });
  }

  deadline(): number {
    return this.#port.deadline();
  }

  serverNow(): number {
    return this.#port.serverNow();
  }

  onInvalidate(listener: (key: string | null, part?: KeyPart) => void): void {
    this.#port.onInvalidate(listener);
  }

  onLag(listener: (milliseconds: number) => void): void {
    this.#port.onLag(listener);
  }

  lastHeard(): number {
    return this.#port.lastHeard();
  }

  onStateChange(listener: (change: StateChange) => void): () => void {
    return this.#port.onStateChange(listener);
  }

  async close(): Promise<void> {
    await this.publisher.close();
    await this.#port.close();
  }

  #server(server: RedisPort): RedisPort {
    if (server === this.#port) return this;
    let announcing = this.#servers.get(server);
    if (!announcing) {
      announcing = new AnnouncingPort(server, this.#channel, this.publisher);
      this.#servers.set(server, announcing);
    }
    return announcing;
  }

  /** The reply to a command that changes something, which is told in one step with it; undefined for one that does not. */
  #announced(command: Command, deadline?: number): Promise<Reply> | undefined {
    const { key, args } = command;
    const [name, digest, count, ...words] = args;
    const script = name === 'EVALSHA' ? Script.byDigest(String(digest)) : undefined;
    if (script) {
      const keys = words.slice(0, Number(count));
      return this.#announce(announcedScript(script), key, keys, words.slice(keys.length), deadline);
    }
    const change = changeOf(command);
    if (!change) return undefined;
    return this.#announce(ANNOUNCED_COMMAND, key, change.keys, [String(name), ...change.rest], deadline);
  }

  #announce(
    script: Script,
    key: string,
    keys: readonly CommandArgument[],
    args: readonly CommandArgument[],
    deadline = this.#port.deadline(),
  ): Promise<Reply> {
    const message = this.publisher.change(keys.map(String));
    return script.runFor(this.#port, key, keys, [...args, this.#channel, message], deadline);
  }

  #publish(message: string): Promise<Reply> {
    return this.#port.send({ key: this.#channel, args: ['PUBLISH', this.#channel, message] });
  }
}
