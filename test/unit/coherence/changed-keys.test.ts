import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { changeOf } from '../../../src/coherence/changed-keys.js';

const of = (...args: string[]): unknown => changeOf({ key: 'routing', args });

describe('what a command changes', () => {
  it('is the key of a write', () => {
    expect(of('SET', 'k', 'v', 'PX', '5')).toEqual({ keys: ['k'], rest: ['v', 'PX', '5'] });
    expect(of('PEXPIRE', 'k', '5')).toEqual({ keys: ['k'], rest: ['5'] });
  });

  it('is every key of a removal', () => {
    expect(of('UNLINK', 'a', 'b')).toEqual({ keys: ['a', 'b'], rest: [] });
    expect(of('DEL', 'a')).toEqual({ keys: ['a'], rest: [] });
  });

  it('is nothing for a read, and for what takes only a place that is free', () => {
    expect(of('GET', 'k')).toBeUndefined();
    expect(of('GETRANGE', 'k', '0', '21')).toBeUndefined();
    expect(of('SET', 'k', 'lease', 'NX', 'PX', '5')).toBeUndefined();
  });

  it('is known of every command that this package sends', () => {
    const changes = ['SET', 'UNLINK', 'DEL', 'PEXPIRE', 'PERSIST', 'GETEX'];
    const reads = 'GET MGET GETRANGE STRLEN EXISTS TTL PTTL SCAN MEMORY DBSIZE PUBLISH SUBSCRIBE';
    const ofTheServer = 'PING TIME INFO HELLO CLIENT CONFIG CLUSTER SENTINEL ROLE READONLY ASKING';
    // Found by their digests.
    const scripts = 'EVALSHA EVAL';
    // No entry, and no record of a tag, is of such a type.
    const ofOtherTypes =
      'HGET HSET HDEL HLEN HGETALL HMGET HKEYS HSCAN ZADD ZREM ZCARD ZRANGE ' +
      'XADD XACK XDEL XLEN XRANGE XREADGROUP XAUTOCLAIM XGROUP';
    const others = [reads, ofTheServer, scripts, ofOtherTypes].flatMap((names) => names.split(' '));
    const sent = new Set<string>();
    const root = new URL('../../../src', import.meta.url).pathname;
    for (const file of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts')) continue;
      const source = readFileSync(join(root, file), 'utf8');
      for (const [, name] of source.matchAll(/(?:args: |send\(|\? )\[\s*'([A-Z]+)'/g)) sent.add(name ?? '');
    }
    expect(sent).toContain('SET');
    // A new one belongs into the table of changes, or here.
    for (const name of sent) expect([...changes, ...others]).toContain(name);
    for (const name of changes) expect(of(name, 'k')).toBeDefined();
    for (const name of others) expect(of(name, 'k')).toBeUndefined();
  });
});
