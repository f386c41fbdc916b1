import { parseArgs } from 'node:util';
import { fullUsers, smallUsers } from './data/size.js';

export interface DemoOptions {
  readonly users: number;
  /** A Redis Cluster of three primaries with a replica each, instead of one server. */
  readonly cluster: boolean;
  /** End after the table, instead of serving on. */
  readonly once: boolean;
  /** Where the API listens if the port is free. */
  readonly port: number;
  /** How long each stretch of load takes, in ms. */
  readonly duration: number;
}

export const usage = `npm run demo -- [options]

  --small       little data and short runs: ${smallUsers.toLocaleString('en-US')} users, 3 s each
  --users N     users in the network, 100 to 200000 (default ${fullUsers}); all else grows with them
  --cluster     on a Redis Cluster of three primaries with a replica each, instead of one server
  --seconds N   how long each stretch of load takes (default 12)
  --port N      where the API listens (default 3000, or any free port where that is taken)
  --once        end after the table
  --help        this text

Data is loaded once and kept in .cache/postgres. Where root starts the demo in a folder that the user Postgres then runs
as cannot enter, it is kept in tiercel-postgres-<hash> in the system's temporary folder.`;

/** Throws an Error with a message for people when the arguments are wrong; `undefined` asks for the usage. */
export function parseOptions(args: readonly string[]): DemoOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      small: { type: 'boolean', default: false },
      users: { type: 'string' },
      seconds: { type: 'string' },
      port: { type: 'string' },
      once: { type: 'boolean', default: false },
      cluster: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  return {
    users: whole('--users', values.users, 100, 200_000) ?? (values.small ? smallUsers : fullUsers),
    once: values.once,
    cluster: values.cluster,
    port: whole('--port', values.port, 0, 65_535) ?? 3000,
    duration: (whole('--seconds', values.seconds, 1, 600) ?? (values.small ? 3 : 12)) * 1000,
  };
}

function whole(name: string, text: string | undefined, from: number, to: number): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= from && value <= to)) {
    throw new Error(`${name}: expected a whole number from ${from} to ${to}, got '${text}'.`);
  }
  return value;
}
