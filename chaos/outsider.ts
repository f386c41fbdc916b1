import { setTimeout as pause } from 'node:timers/promises';
import type { Pool } from 'pg';
import { machineNow, OUTSIDE, type Write } from './history.js';
import type { Deployment } from './deployment.js';
import { writeRow } from './worker/database.js';

const PAUSE = 60;

/** Somebody who has no cache: changes a row, and has `redis-cli DEL` its key. */
export class Outsider {
  readonly writes: Write[] = [];
  readonly #ended = new AbortController();
  readonly #work: Promise<void>;

  constructor(pool: Pool, deployment: Deployment, things: number, random: () => number) {
    this.#work = this.#run(pool, deployment, things, random);
  }

  async stop(): Promise<void> {
    this.#ended.abort();
    await this.#work;
  }

  async #run(pool: Pool, deployment: Deployment, things: number, random: () => number): Promise<void> {
    for (let n = 0; !this.#ended.signal.aborted; n++) {
      const id = Math.floor(random() * things);
      const token = `outside.${n}`;
      const write: Write = { worker: OUTSIDE, life: 0, key: `aside:${id}`, token, begin: machineNow() };
      this.writes.push(write);
      try {
        await writeRow(pool, 'aside', id, token);
        await deployment.remove(`chaos::aside:${id}`);
        write.ok = true;
      } catch (error) {
        write.ok = false;
        write.error = String(error);
      }
      write.end = machineNow();
      await pause(PAUSE + random() * PAUSE);
    }
  }
}
