import type { PortState } from './port.js';

/**
 * What several links or servers are together. Those that were never connected yet count for nothing beside those that are:
 * commands wait for them, and nothing was learned from them that could be out of date.
 */
export function combinedState(states: Iterable<PortState>): PortState {
  const seen = new Set(states);
  if (seen.size > 1) seen.delete('closed');
  const [only] = seen;
  if (seen.size === 1 && only !== undefined) return only;
  if (seen.has('ready') || seen.has('degraded')) {
    return seen.has('lost') || seen.has('silent') || seen.has('degraded') ? 'degraded' : 'ready';
  }
  return seen.has('connecting') ? 'connecting' : 'lost';
}
