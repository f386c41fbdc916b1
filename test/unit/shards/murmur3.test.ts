import { describe, expect, it } from 'vitest';
import { murmur3 } from '../../../src/shards/murmur3.js';

describe('murmur3', () => {
  // The vectors that implementations of MurmurHash3_x86_32 share, of all lengths of the last block.
  it.each<[text: string, seed: number, hash: number]>([
    ['', 0, 0],
    ['', 1, 0x514e28b7],
    ['', 0xffffffff, 0x81f16f39],
    ['\0\0\0\0', 0, 0x2362f9de],
    ['\0\0\0', 0, 0x85f0b427],
    ['\0\0', 0, 0x30f4c306],
    ['\0', 0, 0x514e28b7],
    ['aaaa', 0x9747b28c, 0x5a97808a],
    ['aaa', 0x9747b28c, 0x283e0130],
    ['aa', 0x9747b28c, 0x5d211726],
    ['a', 0x9747b28c, 0x7fa09ea6],
    ['abcd', 0x9747b28c, 0xf0478627],
    ['abc', 0x9747b28c, 0xc84a62dd],
    ['ab', 0x9747b28c, 0x74875592],
    ['Hello, world!', 0x9747b28c, 0x24884cba],
    ['The quick brown fox jumps over the lazy dog', 0x9747b28c, 0x2fa826cd],
    ['test', 0, 0xba6bd213],
  ])('of %j with the seed %i', (text, seed, hash) => {
    expect(murmur3(text, seed)).toBe(hash);
  });

  it('is over the UTF-8 bytes of what is not ASCII, wherever in the text that stands', () => {
    expect(murmur3('ππππππππ', 0x9747b28c)).toBe(0xd58063c1);
    const places = ['é', 'aé', 'aaé', 'aaaé', 'aaaaé', 'aaaaaaé', 'éa', 'éaaaa'];
    expect(new Set(places.map((text) => murmur3(text))).size).toBe(places.length);
  });
});
