import { ConnectionError, DeadlineError, repeated, type CacheError } from '../errors.js';
import type {
  Command,
  KeyPart,
  Layout,
  PortState,
  Reader,
  Receiver,
  RedisPort,
  Reply,
  StateChange,
} from '../redis/port.js';
import { PortFaults, type PortFault, type PortFaultOptions } from './port-faults.js';

/** A command under way. */
interface Call {
  /** Tells its receiver that nobody knows what became of it. */
  lose(): void;
}

/**
 * A port whose commands meet with what commands over a network meet with, drawn from a seed: errors of what was not done,
 * errors of what was, silence up to the deadline, late answers, connections that are lost and made anew, and news that any key
 * may have been changed. Nothing that a port may not do: every call settles by its deadline, and what is not told of changes
 * while there is no connection is made up for by the next one, which is `renewed`.
 *
 * ```ts
 * const port = new ChaosPort(new SingleServerPort(driver, settings), { seed: 7 });
 * await port.send({ key: 'k', args: ['SET', 'k', 'v'] }); // or one of its errors
 * port.calm();
 * ```
 *
 * Of several servers, what is sent to one of `servers` or to `shardOf` alone meets with nothing.
 */
export class ChaosPort implements RedisPort {
  readonly address: string;
  readonly tracking: boolean;
  readonly failsOver: boolean;
  readonly shardOf?: (key: string) => RedisPort;
  readonly layout?: () => Promise<Layout>;
  readonly #port: RedisPort;
  readonly #faults: PortFaults;
  readonly #calls = new Set<Call>();
  readonly #changeListeners: Array<(key: string | null, part?: KeyPart) => void> = [];
  readonly #stateListeners = new Set<(change: StateChange) => void>();
  #isCalm = false;
  #outage: { readonly lastHeard: number; readonly end: NodeJS.Timeout } | undefined;

  /** @throws InvalidOptionError */
  constructor(port: RedisPort, options: PortFaultOptions = {}) {
    this.#port = port;
    this.#faults = new PortFaults(options);
    this.address = port.address;
    this.tracking = port.tracking;
    this.failsOver = port.failsOver ?? false;
    if (port.shardOf) this.shardOf = (key) => port.shardOf?.(key) ?? port;
    if (port.layout) this.layout = async () => (port.layout as () => Promise<Layout>)();
    port.onStateChange((change) => {
      if (!this.#outage || change.state === 'closed') this.#tellState(change);
    });
    port.onInvalidate((key, part) => {
      // Who has no connection hears nothing.
      if (!this.#outage) this.#tellChange(key, part);
    });
  }

  /** How often each fault happened so far. */
  get counts(): Readonly<Record<PortFault, number>> {
    return this.#faults.counts;
  }

  get state(): PortState {
    const { state } = this.#port;
    return this.#outage && state !== 'closed' ? 'lost' : state;
  }

  get servers(): readonly RedisPort[] {
    return this.#port.servers.map((server) => (server === this.#port ? this : server));
  }

  /** From now on nothing happens any more, and an outage is over. */
  calm(): void {
    this.#isCalm = true;
    this.#connect();
  }

  /** Loses the connection now; there is another one after so many milliseconds, or after `calm`. Nothing if it is lost already. */
  lose(outage: number): void {
    if (this.#outage || this.#port.state === 'closed') return;
    this.#faults.counts.outage++;
    const previous = this.state;
    const lastHeard = this.#port.lastHeard();
    this.#outage = { lastHeard, end: setTimeout(() => this.#connect(), outage) };
    const calls = [...this.#calls];
    this.#tellState({ state: 'lost', previous, renewed: false, cause: lost(true) });
    for (const call of calls) call.lose();
  }

  /** Tells now that any key may have been changed. */
  forget(): void {
    this.#faults.counts.forgotten++;
    this.#tellChange(null);
  }

  connect(): Promise<void> {
    return this.#port.connect();
  }

  get(key: string, deadline?: number): Promise<Buffer | null> {
    return this.#ask((receiver) => follow(this.#port.get(key, deadline), receiver), deadline);
  }

  readTo(key: string, reader: Reader, slot: number, source: object | undefined): void {
    this.#carry((receiver) => this.#port.readTo(key, receiver, 0, source), reader, slot, undefined);
  }

  async getMany(keys: readonly string[], deadline?: number): Promise<Array<Buffer | null | CacheError>> {
    return this.#askAll(keys.length, () => this.#port.getMany(keys, deadline), deadline);
  }

  send(command: Command, deadline?: number): Promise<Reply> {
    return this.#ask((receiver) => follow(this.#port.send(command, deadline), receiver), deadline);
  }

  sendTo(command: Command, receiver: Receiver<Reply>, slot: number): void {
    this.#carry((inner) => this.#port.sendTo(command, inner, 0), receiver, slot, undefined);
  }

  async sendAll(commands: readonly Command[], deadline?: number): Promise<Array<Reply | CacheError>> {
    return this.#askAll(commands.length, () => this.#port.sendAll(commands, deadline), deadline);
  }

  deadline(): number {
    return this.#port.deadline();
  }

  serverNow(): number {
    return this.#port.serverNow();
  }

  lastHeard(): number {
    return this.#outage?.lastHeard ?? this.#port.lastHeard();
  }

  onLag(listener: (milliseconds: number) => void): void {
    this.#port.onLag(listener);
  }

  onInvalidate(listener: (key: string | null, part?: KeyPart) => void): void {
    this.#changeListeners.push(listener);
  }

  onStateChange(listener: (change: StateChange) => void): () => void {
    this.#stateListeners.add(listener);
    return () => void this.#stateListeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#isCalm = true;
    clearTimeout(this.#outage?.end);
    await this.#port.close();
  }

  #ask<T>(forward: (receiver: Receiver<T>) => void, deadline: number | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#carry(forward, { received: resolve, failed: reject }, 0, deadline);
    });
  }

  /** One fault for all of a pipeline, which stands in the place of each. */
  #askAll<T>(
    count: number,
    forward: () => Promise<Array<T | CacheError>>,
    deadline: number | undefined,
  ): Promise<Array<T | CacheError>> {
    return this.#ask<Array<T | CacheError>>((receiver) => follow(forward(), receiver), deadline).catch(
      (error: CacheError) => Array.from({ length: count }, (_, i) => (i === 0 ? error : repeated(error))),
    );
  }

  /** Sends one thing, or does not, and sees to it that the receiver is told of it once. */
  #carry<T>(
    forward: (receiver: Receiver<T>) => void,
    receiver: Receiver<T>,
    slot: number,
    deadline: number | undefined,
  ): void {
    const fault = this.#draw();
    if (fault === 'outage') this.lose(this.#faults.outage());
    if (fault === 'forgotten') this.forget();
    if (this.#outage || fault === 'refused') {
      receiver.failed(lost(false), slot);
      return;
    }
    let timer: NodeJS.Timeout | undefined;
    const settle = (tell: () => void): void => {
      if (!this.#calls.delete(call)) return;
      clearTimeout(timer);
      tell();
    };
    const late = (): void =>
      settle(() => receiver.failed(new DeadlineError('no answer came by the deadline'), slot));
    const call: Call = { lose: () => settle(() => receiver.failed(lost(true), slot)) };
    this.#calls.add(call);
    const until = deadline ?? this.#port.deadline();
    const left = (): number => until - performance.now();
    if (fault === 'silent') timer = setTimeout(late, left());
    const answered = (tell: () => void): void => {
      if (fault === 'silent' || !this.#calls.has(call)) return;
      if (fault !== 'delayed') return settle(tell);
      const pause = this.#faults.delay();
      timer = pause < left() ? setTimeout(() => settle(tell), pause) : setTimeout(late, left());
    };
    forward({
      received: (answer) => {
        if (fault === 'unanswered') call.lose();
        else answered(() => receiver.received(answer, slot));
      },
      failed: (error) => answered(() => receiver.failed(error, slot)),
    });
  }

  #draw(): PortFault | undefined {
    if (this.#isCalm || this.#outage) return undefined;
    const fault = this.#faults.draw();
    // These two are counted where they happen, since they may be asked for.
    if (fault && fault !== 'outage' && fault !== 'forgotten') this.#faults.counts[fault]++;
    return fault;
  }

  #connect(): void {
    if (!this.#outage) return;
    clearTimeout(this.#outage.end);
    this.#outage = undefined;
    const { state } = this.#port;
    // Where the port below has no connection either, the one it gets is told of by itself.
    this.#tellState({
      state,
      previous: 'lost',
      renewed: state === 'ready' || state === 'degraded',
      cause: undefined,
    });
  }

  #tellState(change: StateChange): void {
    for (const listener of this.#stateListeners) listener(change);
  }

  #tellChange(key: string | null, part?: KeyPart): void {
    for (const listener of this.#changeListeners) listener(key, part);
  }
}

function lost(sent: boolean): ConnectionError {
  return new ConnectionError(sent ? 'the connection was lost amid the command' : 'there is no connection', {
    sent,
  });
}

function follow<T>(promise: Promise<T>, receiver: Receiver<T>): void {
  promise.then(
    (answer) => receiver.received(answer, 0),
    (error: unknown) => receiver.failed(error as CacheError, 0),
  );
}
