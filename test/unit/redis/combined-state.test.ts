import { describe, expect, it } from 'vitest';
import { combinedState } from '../../../src/redis/combined-state.js';
import type { PortState } from '../../../src/redis/port.js';

describe('the state of several links or servers', () => {
  it.each<[together: PortState, states: PortState[]]>([
    ['ready', ['ready', 'ready']],
    ['ready', ['ready', 'connecting']],
    ['degraded', ['ready', 'lost']],
    ['degraded', ['silent', 'ready']],
    ['degraded', ['connecting', 'ready', 'lost']],
    ['degraded', ['degraded', 'ready']],
    ['degraded', ['degraded', 'lost']],
    ['lost', ['lost', 'lost']],
    ['lost', ['lost', 'silent']],
    ['silent', ['silent', 'silent']],
    ['connecting', ['connecting', 'connecting']],
    ['connecting', ['lost', 'connecting']],
    ['ready', ['closed', 'ready']],
    ['closed', ['closed', 'closed']],
  ])('is %s for %j', (together, states) => {
    expect(combinedState(states)).toBe(together);
    expect(combinedState(states.toReversed())).toBe(together);
  });
});
