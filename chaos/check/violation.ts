import type { Load, Read, Write } from '../history.js';

/** Something that the promises rule out. */
export interface Violation {
  readonly promise: 'P1' | 'P2-P3' | 'P4' | 'P5' | 'P7' | 'return' | 'own write' | 'unwritten';
  readonly key: string;
  readonly what: string;
  /** What of the key's history matters to it. */
  readonly about: ReadonlyArray<Read | Write | Load>;
}
