import { loadData } from '../../demo/data/load.js';
import { sizeFor } from '../../demo/data/size.js';
import type { ProgressReport } from '../../demo/terminal/progress.js';
import { startPostgres } from '../../servers/postgres.js';
import type { Resource } from '../workload.js';

const SILENT: ProgressReport = {
  start: () => undefined,
  stage: () => undefined,
  advance: () => undefined,
  stop: () => undefined,
};

/** The demo's social network of so many users. Its data is kept for the next run. */
export function socialNetwork(users: number): Resource {
  return async () => {
    const server = await startPostgres({
      name: `bench-social-${users}`,
      settings: { wal_level: 'minimal', max_wal_senders: '0', max_connections: '200' },
    });
    try {
      await loadData(server.url, sizeFor(users), SILENT);
    } catch (error) {
      await server.stop();
      throw error;
    }
    return { url: server.url, [Symbol.asyncDispose]: () => server.stop() };
  };
}
