import { UsageError } from '../usage-error.js';

export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

/** IPv6 addresses stand in brackets, since they have colons of their own. */
const ADDRESS = /^(?:\[(?<six>[0-9a-fA-F:.]+)\]|(?<host>[^\s:[\]@/]+))(?::(?<port>\d{1,5}))?$/;

/**
 * `host:port,host:port`, as several servers are written on a command line.
 *
 * @param option - for the message.
 * @param defaultPort - of those that name none.
 * @throws UsageError that names the address that is wrong.
 */
export function serverList(text: string, option: string, defaultPort: number): HostAndPort[] {
  return text.split(',').map((each) => {
    const address = each.trim();
    const parts = ADDRESS.exec(address)?.groups;
    const port = Number(parts?.['port'] ?? defaultPort);
    if (!parts || port < 1 || port > 65_535) {
      // What stands before an @ may be a password.
      const shown = address.includes('@')
        ? 'an address with an @ (give the login by --username)'
        : `'${address}'`;
      throw new UsageError(`${option}: expected host:port,host:port,…, got ${shown}`);
    }
    return { host: parts['six'] ?? parts['host'] ?? '', port };
  });
}
