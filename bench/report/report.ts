import type { Introduction } from '../runner/messages.js';
import type { Workload } from '../workload.js';
import type { Environment } from './environment.js';
import type { CaseSummary } from './summary.js';

/** One workload as it ran. */
export interface ReportedWorkload {
  readonly workload: Workload;
  readonly introductions: readonly Introduction[];
  readonly cases: readonly CaseSummary[];
}

/** One run of the bench. */
export interface Report {
  readonly environment: Environment;
  readonly loadAfter: number;
  readonly tookSeconds: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly workloads: readonly ReportedWorkload[];
}
