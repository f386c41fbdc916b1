import type { DeploymentFacts, ServerFacts } from './facts.js';
import type { Finding, Verdict } from './finding.js';

/** One question, asked of facts alone: whoever has the facts can test it. */
export interface Check {
  /** Stable: scripts and docs name it. */
  readonly id: string;
  look(facts: DeploymentFacts): readonly Finding[];
}

/** A check of each server by itself; undefined for a server that it is not about. */
export function serverCheck(
  id: string,
  look: (server: ServerFacts, facts: DeploymentFacts) => Verdict | undefined,
): Check {
  return {
    id,
    look: (facts) =>
      facts.servers.flatMap((server): Finding[] => {
        const verdict = look(server, facts);
        return verdict ? [{ id, server: server.address, ...verdict }] : [];
      }),
  };
}

/** A check of all servers together. */
export function deploymentCheck(id: string, look: (facts: DeploymentFacts) => readonly Verdict[]): Check {
  return { id, look: (facts) => look(facts).map((verdict) => ({ id, ...verdict })) };
}
