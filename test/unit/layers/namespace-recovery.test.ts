import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { KeySpace } from '../../../src/client/key-space.js';
import { ConnectionError } from '../../../src/errors.js';
import { NamespaceRecovery } from '../../../src/layers/namespace-recovery.js';
import { TagTable } from '../../../src/layers/tag-table.js';
import { Recovery } from '../../../src/recovery/recovery.js';
import type { Command, RedisPort, Reply } from '../../../src/redis/port.js';

const KEYS = KeySpace.of('shop');

/** Tags that wait for Redis, whose answers come when the test says so. */
function waitingTags() {
  const asked: Array<{ readonly key: string; readonly answer: (reply: Reply | ConnectionError) => void }> =
    [];
  const port = {
    state: 'ready',
    send: ({ key }: Command) =>
      new Promise<Reply>((resolve, reject) => {
        const answer = (reply: Reply | ConnectionError): void =>
          reply instanceof ConnectionError ? reject(reply) : resolve(reply);
        asked.push({ key, answer });
      }),
    deadline: () => performance.now() + 250,
    serverNow: () => 1000,
    onStateChange: () => () => undefined,
  } as unknown as RedisPort;
  const tags = new TagTable({ port, keys: KEYS, retention: 60_000, remember: true });
  const waiting = new NamespaceRecovery({
    port,
    tags,
    prefix: 'shop::',
    recovery: new Recovery(port, () => undefined),
  });
  /** Answers what is asked next: for the floor with a time, for a tag with whether it has the stamp. */
  const answerNext = async (failure?: ConnectionError): Promise<void> => {
    while (asked.length === 0) await nextTurn();
    const next = asked.shift();
    next?.answer(failure ?? (next.key === KEYS.tagFloorKey ? Buffer.from('10') : 1));
    await nextTurn();
  };
  return { tags, waiting, answerNext };
}

describe('tags that wait to be told to Redis', () => {
  it.each([
    ['has told it all it had', undefined],
    ['fails', new ConnectionError('down')],
  ])('wait on where they came while a replay ran, which %s', async (_, failure) => {
    const { tags, waiting, answerNext } = waitingTags();
    waiting.addTags(['first']);
    waiting.addTags(['second', 'first']);
    await answerNext(failure);
    if (!failure) await answerNext();
    expect(tags.check(['second'], 500)).toBe('stale');
    expect(tags.check(['first'], 500)).toBe('stale');
    expect(waiting.pending).toBe(true);
  });
});
