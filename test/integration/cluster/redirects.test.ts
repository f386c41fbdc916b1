import { afterEach, describe, expect, it } from 'vitest';
import { openPort } from '../../../src/redis/open-port.js';
import type { RedisClusterOptions } from '../../../src/cluster/cluster-options.js';
import type { RedisPort } from '../../../src/redis/port.js';
import { replyText } from '../../../src/redis/reply-text.js';
import { FakeRedis } from '../../support/fake-redis.js';

const bulk = (text: string): string => `$${Buffer.byteLength(text)}\r\n${text}\r\n`;

/** What no real cluster can be brought to say at will. */
describe('a command that is sent on', () => {
  const closers: Array<() => unknown> = [];
  afterEach(async () => {
    for (const close of closers.splice(0).toReversed()) await close();
  });

  interface Node {
    readonly fake: FakeRedis;
    readonly port: number;
    /** All commands but those of connecting. */
    readonly seen: string[];
    /** Answers to these, by name; a list is used up one at a time, its last for good. */
    readonly answers: Record<string, string | string[]>;
  }

  /** Nodes that share the slots evenly. */
  async function nodes(count: number): Promise<Node[]> {
    const made: Node[] = [];
    const text = (): string =>
      made
        .map(({ port }, i) => {
          const [from, to] = [(16_384 * i) / count, (16_384 * (i + 1)) / count - 1].map(Math.floor);
          return `id${i} 127.0.0.1:${port}@1 master - 0 0 ${i + 1} connected ${from}-${to}\n`;
        })
        .join('');
    for (let i = 0; i < count; i++) {
      const seen: string[] = [];
      const answers: Record<string, string | string[]> = {};
      const fake = await FakeRedis.start(([name = '', sub = '', ...rest]) => {
        if (name === 'cluster') return sub === 'nodes' ? bulk(text()) : '-ERR unknown\r\n';
        seen.push([name, sub, ...rest].join(' ').trim());
        const answer = answers[name];
        if (Array.isArray(answer)) return answer.length > 1 ? answer.shift() : answer[0];
        return answer ?? '+OK\r\n';
      });
      closers.push(() => fake.close());
      made.push({ fake, port: Number(new URL(fake.url).port), seen, answers });
    }
    return made;
  }

  async function open(node: Node, options: Partial<RedisClusterOptions> = {}): Promise<RedisPort> {
    const port = openPort({ cluster: [node.fake.url], ...options });
    closers.push(() => port.close());
    await port.connect();
    return port;
  }

  // Slots 12182 and 5061: the second and the first half.
  const HIGH = 'foo';
  const LOW = 'bar';

  it('bears the time of the node that is furthest behind, whoever carries it out', async () => {
    const [a, b, c] = (await nodes(3)) as [Node, Node, Node];
    a.fake.clockAhead = 120_000;
    b.fake.clockAhead = -60_000;
    const port = await open(c);
    expect(port.serverNow()).toBeLessThanOrEqual(Date.now() - 60_000);
    expect(port.serverNow()).toBeGreaterThan(Date.now() - 63_000);
  });

  it('by ASK goes behind an ASKING, and the slot stays where it was', async () => {
    const [low, high] = (await nodes(2)) as [Node, Node];
    const port = await open(low);
    low.answers['get'] = [`-ASK 5061 127.0.0.1:${high.port}\r\n`, bulk('here now')];
    high.answers['get'] = bulk('there');
    expect(String(await port.get(LOW))).toBe('there');
    expect(high.seen).toEqual(['asking', 'get bar']);
    expect(String(await port.get(LOW))).toBe('here now');
  });

  it('by MOVED is not sent there twice: the next one goes straight', async () => {
    const [low, high] = (await nodes(2)) as [Node, Node];
    const port = await open(low);
    low.answers['get'] = `-MOVED 5061 127.0.0.1:${high.port}\r\n`;
    high.answers['get'] = bulk('there');
    expect(String(await port.get(LOW))).toBe('there');
    const before = low.seen.length;
    expect(high.seen).toEqual(['get bar']);
    await port.get(HIGH);
    expect(low.seen).toHaveLength(before);
  });

  it('for ever is given up after maxRedirects', async () => {
    const [low, high] = (await nodes(2)) as [Node, Node];
    const port = await open(low, { maxRedirects: 2 });
    low.answers['set'] = `-MOVED 5061 127.0.0.1:${high.port}\r\n`;
    high.answers['set'] = `-MOVED 5061 127.0.0.1:${low.port}\r\n`;
    await expect(port.send({ key: LOW, args: ['SET', LOW, 'x'] })).rejects.toMatchObject({
      code: 'TIERCEL_SERVER',
      message: expect.stringMatching(/more than 2 times \(maxRedirects\).*MOVED/),
    });
    expect([...low.seen, ...high.seen].filter((command) => command.startsWith('set'))).toHaveLength(3);
  });

  it('is told of to every command of a batch, and each goes its way, in order for its key', async () => {
    const [low, high] = (await nodes(2)) as [Node, Node];
    const port = await open(low);
    low.answers['set'] = low.answers['get'] = `-ASK 5061 127.0.0.1:${high.port}\r\n`;
    high.answers['get'] = bulk('x');
    const replies = await port.sendAll([
      { key: LOW, args: ['SET', LOW, 'x'] },
      { key: LOW, args: ['GET', LOW] },
      { key: HIGH, args: ['SET', HIGH, 'y'] },
    ]);
    expect(replies.map(String)).toEqual(['OK', 'x', 'OK']);
    expect(high.seen).toEqual(['set foo y', 'asking', 'set bar x', 'asking', 'get bar']);
  });

  it('is asked again behind a write that had to be tried again, so as to be behind it', async () => {
    const [low] = (await nodes(1)) as [Node];
    const port = await open(low);
    low.answers['set'] = ['-TRYAGAIN not now\r\n', '+OK\r\n'];
    low.answers['get'] = [bulk('before'), bulk('after')];
    const replies = await port.sendAll([
      { key: LOW, args: ['SET', LOW, 'x'] },
      { key: LOW, args: ['GET', LOW] },
    ]);
    expect(replies.map(String)).toEqual(['OK', 'after']);
  });

  it.each(['TRYAGAIN later', 'CLUSTERDOWN The cluster is down', 'LOADING Redis is loading'])(
    'for %s is tried again, within its deadline',
    async (answer) => {
      const [low] = (await nodes(1)) as [Node];
      const port = await open(low);
      low.answers['set'] = [`-${answer}\r\n`, `-${answer}\r\n`, '+OK\r\n'];
      expect(replyText(await port.send({ key: LOW, args: ['SET', LOW, 'x'] }))).toBe('OK');
      low.answers['set'] = `-${answer}\r\n`;
      const began = performance.now();
      await expect(port.send({ key: LOW, args: ['SET', LOW, 'x'] })).rejects.toMatchObject({
        code: 'TIERCEL_SERVER',
        message: expect.stringContaining(answer),
      });
      expect(performance.now() - began).toBeLessThan(250 + 100);
    },
  );

  it('is not waited with for a cluster that is known to be down', async () => {
    const [low] = (await nodes(1)) as [Node];
    const port = await open(low, { commandTimeout: '2s' });
    low.answers['get'] = '-CLUSTERDOWN The cluster is down\r\n';
    await expect(port.get(LOW)).rejects.toThrow(/CLUSTERDOWN/);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const before = low.seen.length;
    await expect(port.get(LOW)).rejects.toThrow(/CLUSTERDOWN/);
    expect(low.seen.length - before).toBe(1);
    // The first answer ends that.
    low.answers['get'] = [bulk('x'), '-CLUSTERDOWN The cluster is down\r\n', bulk('y')];
    expect(String(await port.get(LOW))).toBe('x');
    expect(String(await port.get(LOW))).toBe('y');
  });

  it('is not sent again where it may have been carried out', async () => {
    const [low] = (await nodes(1)) as [Node];
    const port = await open(low);
    let count = 0;
    const { answer } = low.fake;
    low.fake.answer = (words, socket) => {
      if (words[0] !== 'incr') return answer(words, socket);
      count++;
      socket.destroy();
      return undefined;
    };
    await expect(port.send({ key: LOW, args: ['INCR', LOW] })).rejects.toMatchObject({
      code: 'TIERCEL_CONNECTION',
    });
    expect(count).toBe(1);
  });
});
