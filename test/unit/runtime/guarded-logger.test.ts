import { describe, expect, it, vi } from 'vitest';
import { guardedLogger, silentLogger } from '../../../src/runtime/logger.js';

const fail = (): never => {
  throw new Error('the disk is full');
};

describe('guardedLogger', () => {
  it('hands on what it is told, as a method of the logger', () => {
    const logger = {
      lines: [] as string[],
      debug: vi.fn(),
      warn: vi.fn(),
      error: vi.fn(),
      info(this: { lines: string[] }, line: string) {
        this.lines.push(line);
      },
    };
    guardedLogger(logger).info('told');
    expect(logger.lines).toEqual(['told']);
  });

  it('drops what a level throws', () => {
    const guarded = guardedLogger({ debug: fail, info: fail, warn: fail, error: fail });
    for (const level of ['debug', 'info', 'warn', 'error'] as const)
      expect(() => guarded[level]('x')).not.toThrow();
  });

  it('is silence where there is no logger', () => {
    expect(guardedLogger(undefined)).toBe(silentLogger);
  });
});
