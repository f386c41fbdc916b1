import { describe, expect, it } from 'vitest';
import { chooseFaults } from '../../../chaos/faults.js';

describe('the faults of a topology', () => {
  it('are those that were asked for, or all', () => {
    expect(chooseFaults('single', ['cut', 'flush'])).toEqual(['cut', 'flush']);
    expect(chooseFaults('single', undefined)).toContain('black hole');
    expect(chooseFaults('cluster', undefined)).toContain('takeover');
    expect(chooseFaults('sentinel', undefined)).not.toContain('cut');
  });

  it('are refused where they cannot happen, and said to be which', () => {
    expect(() => chooseFaults('single', ['flush', 'takeover'])).toThrow(
      /^topology single has no fault 'takeover'; it has redis freeze, .*garbage/,
    );
    expect(() => chooseFaults('sentinel', ['cut', 'typo'])).toThrow("has no fault 'cut', 'typo'");
    expect(() => chooseFaults('cluster', [])).toThrow('no fault');
  });
});
