import { mkdir, writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { dirname, resolve } from 'node:path';
import { startRedis } from '../servers/redis.js';
import { parseOptions, USAGE, type BenchOptions } from './options.js';
import { describeEnvironment } from './report/environment.js';
import { writeReport } from './report/markdown.js';
import type { Report, ReportedWorkload } from './report/report.js';
import { isSound, summarise } from './report/summary.js';
import { renderCase } from './report/table.js';
import type { Introduction } from './runner/messages.js';
import { runWorkload } from './runner/run-workload.js';

function print(text = ''): void {
  process.stdout.write(`${text}\n`);
}

/** Progress goes to stderr, so that the tables alone can be kept. */
function progress(line: string): void {
  process.stderr.write(`... ${line}\n`);
}

function renderContender({ name, role, versions, configured }: Introduction): string {
  const installed = Object.entries(versions).map(([each, version]) => `${each} ${version}`);
  return `  ${name} [${role}] ${installed.join(', ')}\n      ${configured}`;
}

async function run(options: BenchOptions): Promise<boolean> {
  await using server = await startRedis();
  const environment = await describeEnvironment(server);
  const started = performance.now();
  const { rounds, seconds } = options;
  print(environment.command);
  print(
    `${environment.date}, ${environment.cpu}, ${environment.cores} cores, ${environment.memoryGiB} GiB, ${environment.os}`,
  );
  print(
    `node ${environment.node}, Redis ${environment.redis}, load before ${environment.loadBefore.toFixed(1)}`,
  );
  print(`${rounds} rounds of ${seconds} s each, contenders in turns; medians; ratios round by round`);

  const workloads: ReportedWorkload[] = [];
  const raw: unknown[] = [];
  const introduced = new Set<string>();
  let sound = true;
  for (const workload of options.workloads) {
    const result = await runWorkload(server, workload, { ...options, progress });
    print();
    print(`== ${workload.title} (${workload.id}): ${workload.description}`);
    for (const line of result.introductions.map(renderContender)) {
      if (!introduced.has(line)) print(line);
      introduced.add(line);
    }
    const cases = result.cases.map((each) => summarise(workload, each));
    for (const each of cases) {
      print();
      print(renderCase(workload, each));
      sound &&= isSound(workload, each);
    }
    workloads.push({ workload, introductions: result.introductions, cases });
    raw.push({ id: workload.id, introductions: result.introductions, cases, rounds: result.cases });
  }

  const tookSeconds = Math.round((performance.now() - started) / 1_000);
  const loadAfter = loadavg()[0] ?? 0;
  print();
  print(`took ${tookSeconds} s, load after ${loadAfter.toFixed(1)}; gaps under 20 % are ties`);
  if (environment.loadBefore > environment.cores / 2) {
    print('The machine was busy with other work: trust CPU us/call and the ratios, not ops/s.');
  }
  if (options.json !== undefined) {
    const file = resolve(options.json);
    await mkdir(dirname(file), { recursive: true });
    const all = { environment: { ...environment, loadAfter, tookSeconds, rounds, seconds }, workloads: raw };
    await writeFile(file, `${JSON.stringify(all, undefined, 2)}\n`);
    print(`all rounds: ${options.json}`);
  }
  if (options.report !== undefined) {
    const report: Report = { environment, loadAfter, tookSeconds, rounds, seconds, workloads };
    await writeReport(report, resolve(options.report));
    print(`report: ${options.report}`);
  }
  return sound;
}

try {
  const options = parseOptions(process.argv.slice(2));
  if (options === undefined) print(USAGE);
  // A figure next to wrong values or errors is worth nothing, and a script that runs this must see it.
  else if (!(await run(options))) process.exitCode = 1;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
