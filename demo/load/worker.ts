import { HttpConnection } from './http-client.js';
import { summarize, type LatencySummary } from './latency.js';
import { RequestSequence, type LoadRequest } from './sequence.js';
import { defectOf } from './shape.js';

/** What the parent asks of this process: the load is made outside the server's process, as it is in life. */
export interface LoadJob {
  readonly port: number;
  readonly users: number;
  readonly cached: boolean;
  readonly callers: number;
  /** For how long new requests are sent, in ms. Those under way then are still waited for and counted. */
  readonly duration: number;
}

export interface LoadResult {
  /** From the first request to the last answer, in ms. */
  readonly elapsed: number;
  readonly latency: LatencySummary;
  readonly edits: number;
  /** Reads of the lists of popular posts and trending users. */
  readonly lists: number;
  readonly views: number;
  /** What was wrong with the first answer that was not what was asked for, or did not come. It ends the job. */
  readonly defect: string | undefined;
}

async function run(job: LoadJob): Promise<LoadResult> {
  // From the start in each job, so that what is compared is the same requests.
  const requests = new RequestSequence(job.users);
  const open = () => HttpConnection.open(job.port, job.cached ? '' : '?cache=off');
  const connections = await Promise.all(Array.from({ length: job.callers }, open));
  const latencies: number[] = [];
  let edits = 0;
  let lists = 0;
  let views = 0;
  const defects: string[] = [];
  const start = performance.now();
  const end = start + job.duration;

  const call = async (connection: HttpConnection, request: LoadRequest, sentAt: number): Promise<void> => {
    const { status, text } = await connection.send(request);
    latencies.push(performance.now() - sentAt);
    if (request.kind === 'edit') edits++;
    if (request.kind === 'view') views++;
    if (request.kind === 'popular' || request.kind === 'trending') lists++;
    const defect = defectOf(request, status, text);
    if (defect !== undefined) defects.push(defect);
  };
  // A closed loop: each caller waits for its answer before it asks again.
  const caller = async (connection: HttpConnection): Promise<void> => {
    for (let sentAt = start; sentAt < end && defects.length === 0; sentAt = performance.now()) {
      await call(connection, requests.next(), sentAt).catch((error: Error) => {
        defects.push(error.message);
      });
    }
  };
  await Promise.all(connections.map(caller));
  const elapsed = performance.now() - start;
  for (const connection of connections) connection.close();
  return { elapsed, latency: summarize(latencies), edits, lists, views, defect: defects[0] };
}

process.on('message', (job: LoadJob) => {
  run(job).then(
    (result) => process.send?.(result),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
// The parent's end of the channel closes however the parent ends.
process.on('disconnect', () => process.exit(0));
// Ctrl-C in a terminal reaches us too; when to end is the parent's business.
process.on('SIGINT', () => {});
