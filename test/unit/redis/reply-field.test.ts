import { describe, expect, it } from 'vitest';
import type { Reply } from '../../../src/redis/port.js';
import { fieldOf } from '../../../src/redis/reply-field.js';

describe('a field of a reply', () => {
  it.each<[what: string, reply: Reply]>([
    ['an object', { role: Buffer.from('master') }],
    ['a Map', new Map([['role', 'master']])],
    ['names and values in turn', ['mode', 'role', 'role', Buffer.from('master')]],
  ])('is found in %s', (_, reply) => {
    expect(fieldOf(reply, 'role')).toBe('master');
    expect(fieldOf(reply, 'proto')).toBeUndefined();
  });

  it('is not there in what is no map', () => {
    for (const reply of [null, 'role', 7, Buffer.from('role')])
      expect(fieldOf(reply, 'role')).toBeUndefined();
  });
});
