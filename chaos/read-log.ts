import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Load, Read, Span, Write } from './history.js';
import type { LogLine } from './worker/log.js';

/** What one worker wrote down in all its lives. */
export interface WorkerHistory {
  readonly writes: Write[];
  readonly reads: Read[];
  readonly loads: Load[];
  readonly stalls: Span[];
  readonly unready: Span[];
  readonly refused: Span[];
  readonly failed: Span[];
  readonly served: number[];
  readonly applied: Map<string, number>;
}

/** @param deaths - when each of its lives ended, that did. */
export async function readLog(
  path: string,
  worker: number,
  deaths: ReadonlyMap<string, number>,
): Promise<WorkerHistory> {
  const history: WorkerHistory = {
    writes: [],
    reads: [],
    loads: [],
    stalls: [],
    unready: [],
    refused: [],
    failed: [],
    served: [],
    applied: new Map(),
  };
  const writes = new Map<string, Write>();
  const loads = new Map<string, Load>();
  const began = new Map<number, number>();
  for await (const text of createInterface({ input: createReadStream(path) })) {
    const space = text.indexOf(' ');
    const life = Number(text.slice(0, space));
    let line: LogLine;
    try {
      line = JSON.parse(text.slice(space + 1)) as LogLine;
    } catch {
      continue; // the last line of a process that was killed
    }
    switch (line[0]) {
      case 'write': {
        const write: Write = { worker, life, key: line[1], token: line[2], begin: line[3] };
        writes.set(line[2], write);
        history.writes.push(write);
        break;
      }
      case 'written': {
        const write = writes.get(line[1]);
        if (write) Object.assign(write, { end: line[2], ok: line[3], ...(line[4] && { error: line[4] }) });
        break;
      }
      case 'saved': {
        const write = writes.get(line[1]);
        if (write) Object.assign(write, { saving: { begin: line[2], end: line[3] }, saveFailed: !line[4] });
        break;
      }
      case 'read': {
        const [, key, begin, end, token, error] = line;
        history.reads.push({
          worker,
          life,
          key,
          begin,
          end,
          token: token ?? undefined,
          error: error ?? undefined,
        });
        break;
      }
      case 'load': {
        const load: Load = { worker, life, key: line[2], begin: line[3] };
        loads.set(`${life}.${line[1]}`, load);
        history.loads.push(load);
        break;
      }
      case 'loaded': {
        const load = loads.get(`${life}.${line[1]}`);
        if (load) Object.assign(load, { end: line[2], ...(line[3] && { error: line[3] }) });
        break;
      }
      case 'stalled':
        history.stalls.push({ begin: line[1], end: line[2] });
        break;
      case 'refused':
        history.refused.push({ begin: line[1], end: line[2] });
        break;
      case 'failed':
        history.failed.push({ begin: line[1], end: line[2] });
        break;
      case 'served':
        history.served.push(line[1]);
        break;
      case 'unready':
        began.set(life, line[1]);
        break;
      case 'ready': {
        history.unready.push({ begin: began.get(life) ?? line[1], end: line[1] });
        began.delete(life);
        break;
      }
      case 'applied':
        history.applied.set(line[1], line[2]);
        break;
    }
  }
  for (const [life, begin] of began) {
    history.unready.push({ begin, end: deaths.get(`${worker}.${life}`) ?? Infinity });
  }
  return history;
}
