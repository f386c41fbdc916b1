import { describe, expect, it } from 'vitest';
import { TagMemory } from '../../../src/layers/tags/tag-memory.js';

const record = (stamp: number) => ({ stamp, until: Infinity });

function learn(memory: TagMemory, tag: string, stamp = 1): void {
  memory.endRead(tag, memory.beginRead(tag), record(stamp));
}

describe('what is remembered of tags', () => {
  it('is bounded, and keeps the tags in use', () => {
    const memory = new TagMemory(100);
    learn(memory, 'in use');
    for (let i = 0; i < 10_000; i++) {
      learn(memory, `tag ${i}`);
      expect(memory.get('in use')).toBeDefined();
      expect(memory.size).toBeLessThanOrEqual(100);
    }
    expect(memory.get('tag 9999')).toBeDefined();
    expect(memory.get('tag 0')).toBeUndefined();
  });

  it('is nothing where nothing may be remembered', () => {
    const memory = new TagMemory(0);
    learn(memory, 'a');
    expect(memory.get('a')).toBeUndefined();
    expect(memory.size).toBe(0);
  });

  it('does not include a record that changed while it was being read', () => {
    const memory = new TagMemory(100);
    const before = memory.beginRead('a');
    memory.drop('a');
    const after = memory.beginRead('a');
    memory.endRead('a', after, record(2));
    memory.endRead('a', before, record(1));
    expect(before.voided).toBe(true);
    expect(memory.get('a')).toEqual(record(2));
  });

  it('includes nothing that was being read when all was forgotten', () => {
    const memory = new TagMemory(100);
    const read = memory.beginRead('a');
    learn(memory, 'b');
    memory.clear();
    memory.endRead('a', read, record(1));
    expect(memory.get('a')).toBeUndefined();
    expect(memory.get('b')).toBeUndefined();
  });

  it('voids every read of the record that is under way, and none of others', () => {
    const memory = new TagMemory(100);
    const reads = [memory.beginRead('a'), memory.beginRead('a'), memory.beginRead('b')] as const;
    memory.endRead('a', reads[0], undefined);
    memory.drop('a');
    expect(reads.map(({ voided }) => voided)).toEqual([true, true, false]);
  });

  it('forgets a record in either generation', () => {
    const memory = new TagMemory(4);
    for (const tag of ['old', 'filler', 'young']) learn(memory, tag);
    memory.drop('old');
    memory.drop('young');
    expect(memory.get('old')).toBeUndefined();
    expect(memory.get('young')).toBeUndefined();
    expect(memory.get('filler')).toBeDefined();
  });
});
