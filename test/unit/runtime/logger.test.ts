import { describe, expect, it } from 'vitest';

import { silentLogger } from '../../../src/runtime/logger.js';

describe('silentLogger', () => {
  it('takes every level and says nothing', () => {
    for (const level of ['debug', 'info', 'warn', 'error'] as const) {
      expect(silentLogger[level]('message', { node: 'a' })).toBeUndefined();
    }
  });
});
