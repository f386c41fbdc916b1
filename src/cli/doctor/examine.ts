import { ALL_CHECKS } from './all-checks.js';
import type { DeploymentFacts } from './facts.js';
import { LEVELS, type Finding, type Level } from './finding.js';

/** What `doctor` says. */
export interface Diagnosis {
  /** The worst there is. An `unknown` is no worse than `ok`: it says nothing. */
  readonly level: Exclude<Level, 'unknown'>;
  readonly counts: Readonly<Record<Level, number>>;
  /** The worst first. */
  readonly findings: readonly Finding[];
}

/** @param skipped - ids of checks that are not wanted. */
export function examine(facts: DeploymentFacts, skipped: ReadonlySet<string> = new Set()): Diagnosis {
  const found = ALL_CHECKS.filter(({ id }) => !skipped.has(id)).flatMap((check) => check.look(facts));
  const of = (level: Level): Finding[] => found.filter((finding) => finding.level === level);
  const counts = { ok: 0, warning: 0, problem: 0, unknown: 0 };
  for (const { level } of found) counts[level]++;
  return {
    level: counts.problem > 0 ? 'problem' : counts.warning > 0 ? 'warning' : 'ok',
    counts,
    findings: LEVELS.flatMap(of),
  };
}
