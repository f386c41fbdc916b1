import { describe, expect, it } from 'vitest';
import { AuthenticationError, type CacheError, ConnectionError } from '../../../src/errors.js';
import type { PortState, RedisPort, StateChange } from '../../../src/redis/port.js';
import { ConsistentHash } from '../../../src/shards/consistent-hash.js';
import { ShardedPort } from '../../../src/shards/sharded-port.js';

/** A shard that remembers what it was asked, and is in whatever state a test wants. */
class FakeShard {
  state: PortState = 'ready';
  tracking = true;
  now = 0;
  heard = 0;
  readonly address: string;
  readonly asked: string[][] = [];
  connecting: () => Promise<void> = () => Promise.resolve();
  #listener: (change: StateChange) => void = () => undefined;

  constructor(address: string) {
    this.address = address;
  }

  connect(): Promise<void> {
    return this.connecting();
  }

  async getMany(keys: readonly string[]): Promise<Buffer[]> {
    this.asked.push([...keys]);
    return keys.map((key) => Buffer.from(`${this.address} ${key}`));
  }

  async sendAll(commands: ReadonlyArray<{ key: string }>): Promise<string[]> {
    this.asked.push(commands.map(({ key }) => key));
    return commands.map(({ key }) => `${this.address} ${key}`);
  }

  serverNow(): number {
    return this.now;
  }

  lastHeard(): number {
    return this.heard;
  }

  onStateChange(listener: (change: StateChange) => void): void {
    this.#listener = listener;
  }

  become(state: PortState, renewed = false): void {
    const previous = this.state;
    this.state = state;
    this.#listener({ state, previous, renewed, cause: undefined });
  }
}

function setUp(names: readonly string[] = ['a', 'b', 'c']) {
  const fakes = names.map((name) => new FakeShard(name));
  const ring = new ConsistentHash(names, { virtualNodes: 64 });
  const shards = new Map(fakes.map((fake) => [fake.address, fake as unknown as RedisPort]));
  const port = new ShardedPort({ ring, shards, commandTimeout: 250 });
  return { fakes, ring, port };
}

const keys = Array.from({ length: 30 }, (_, i) => `key:${i}`);

describe('ShardedPort', () => {
  it('gives each shard its part of a bulk at once, and the answers in the order asked', async () => {
    const { fakes, ring, port } = setUp();
    expect((await port.getMany(keys)).map(String)).toEqual(keys.map((key) => `${ring.get(key)} ${key}`));
    for (const fake of fakes) {
      expect(fake.asked).toEqual([keys.filter((key) => ring.get(key) === fake.address)]);
    }
    const commands = keys.map((key) => ({ key, args: ['GET', key] }));
    expect(await port.sendAll(commands)).toEqual(keys.map((key) => `${ring.get(key)} ${key}`));
    expect(await port.getMany([])).toEqual([]);
  });

  it('asks one shard alone where all keys are its own', async () => {
    const { fakes, ring, port } = setUp();
    const own = keys.filter((key) => ring.get(key) === 'b');
    expect((await port.getMany(own)).map(String)).toEqual(own.map((key) => `b ${key}`));
    expect(fakes.map(({ asked }) => asked.length)).toEqual([0, 1, 0]);
  });

  it('knows the time of the slowest clock, so that it is ahead of none', () => {
    const { fakes, port } = setUp();
    for (const [i, now] of [5000, 3000, 4000].entries()) Object.assign(fakes[i] ?? {}, { now });
    expect(port.serverNow()).toBe(3000);
    Object.assign(fakes[1] ?? {}, { now: 9000 });
    expect(port.serverNow()).toBe(4000);
  });

  it('was last told of changes when the shard was that is silent for longest', () => {
    const { fakes, port } = setUp();
    for (const [i, heard] of [50, 30, 40].entries()) Object.assign(fakes[i] ?? {}, { heard });
    expect(port.lastHeard()).toBe(30);
  });

  it('tells of every change of any shard, with the state of all together', () => {
    const { fakes, port } = setUp();
    const [a, b] = fakes;
    const told: Array<[PortState, PortState, boolean]> = [];
    port.onStateChange(({ previous, state, renewed }) => told.push([previous, state, renewed]));
    a?.become('lost');
    b?.become('silent');
    b?.become('ready');
    a?.become('ready', true);
    expect(told).toEqual([
      ['ready', 'degraded', false],
      ['degraded', 'degraded', false],
      ['degraded', 'degraded', false],
      ['degraded', 'ready', true],
    ]);
  });

  it('tells of changes only if every shard does', () => {
    const fakes = ['a', 'b'].map((name) => new FakeShard(name));
    Object.assign(fakes[1] ?? {}, { tracking: false });
    const shards = new Map(fakes.map((fake) => [fake.address, fake as unknown as RedisPort]));
    const port = new ShardedPort({ ring: new ConsistentHash(['a', 'b']), shards, commandTimeout: 1 });
    expect(port.tracking).toBe(false);
  });

  describe('connecting', () => {
    const refused = new ConnectionError('refused');
    const wrongPassword = new AuthenticationError('WRONGPASS');
    const connect = (...errors: ReadonlyArray<CacheError | undefined>): Promise<void> => {
      const { fakes, port } = setUp();
      for (const [i, error] of errors.entries()) {
        if (error) Object.assign(fakes[i] ?? {}, { connecting: () => Promise.reject(error) });
      }
      return port.connect();
    };

    it('goes on without a shard that is away', () =>
      expect(connect(refused, refused)).resolves.toBeUndefined());
    it('fails where all are', () => expect(connect(refused, refused, refused)).rejects.toBe(refused));
    it('fails where one refuses the login, which nothing but a change mends', () =>
      expect(connect(refused, wrongPassword)).rejects.toBe(wrongPassword));
  });
});
