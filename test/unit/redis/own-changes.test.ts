import { describe, expect, it } from 'vitest';
import { OwnChanges, ownChange } from '../../../src/redis/own-changes.js';
import type { CommandArgument, Reply } from '../../../src/redis/port.js';

const key = 'shop::k';

/** Whether news of the keys, right behind the reply, are taken for the command's own. */
function owned(args: readonly CommandArgument[], reply: Reply, keys: readonly string[] = [key]): boolean[] {
  const own = new OwnChanges();
  own.answered(ownChange(args), reply);
  return keys.map((each) => own.has(each));
}

describe('what a connection has changed itself', () => {
  it.each<[what: string, args: CommandArgument[], reply: Reply]>([
    ['a write', ['SET', key, 'v', 'PX', '1000'], 'OK'],
    ['a write whose answer comes as bytes', ['SET', key, 'v'], Buffer.from('OK')],
    ['a write where nothing stood', ['SET', key, 'v', 'NX', 'PX', '1000', 'GET'], null],
    ['a removal', ['UNLINK', key], 1],
    ['a removal of a key that is given as bytes', ['UNLINK', Buffer.from(key)], 1],
    ['a script', ['EVALSHA', 'd1', '1', key, 'word'], 1],
    ['a script with its text', ['EVAL', 'return 1', '2', key, 'other'], 1],
  ])('is known by the answer to %s', (_, args, reply) => {
    expect(owned(args, reply)).toEqual([true]);
  });

  it.each<[what: string, args: CommandArgument[], reply: Reply]>([
    ['a read', ['GET', key], Buffer.from('v')],
    ['a write where something stood', ['SET', key, 'v', 'NX', 'PX', '1000'], null],
    ['a write that says what stood there', ['SET', key, 'v', 'NX', 'GET'], Buffer.from('lease')],
    ['a removal of nothing', ['UNLINK', key], 0],
    ['a removal of many of which some were not there', ['UNLINK', key, 'other'], 1],
    ['a script that changed nothing', ['EVALSHA', 'd1', '1', key], 0],
    ['a script that answers something else', ['EVALSHA', 'd1', '1', key], 'text'],
    ['a command that is not known here', ['PEXPIRE', key, '1'], 1],
  ])('is not believed of %s', (_, args, reply) => {
    expect(owned(args, reply)).toEqual([false]);
  });

  it('is the first key of a script alone, and every key of a removal', () => {
    expect(owned(['EVALSHA', 'd1', '2', key, 'other'], 1, ['other', key])).toEqual([false, true]);
    expect(owned(['UNLINK', key, 'other'], 2, ['other', key])).toEqual([true, true]);
  });

  it('is told once: more news of the key are of somebody else', () => {
    expect(owned(['SET', key, 'v'], 'OK', [key, key])).toEqual([true, false]);
  });

  it('is over with the next answer, be it an error', () => {
    const own = new OwnChanges();
    own.answered(ownChange(['SET', key, 'v']), 'OK');
    own.answered(undefined, undefined);
    expect(own.has(key)).toBe(false);
  });

  it('is never the news that any key may have changed', () => {
    const own = new OwnChanges();
    own.answered(ownChange(['SET', key, 'v']), 'OK');
    expect(own.has(null)).toBe(false);
  });
});
