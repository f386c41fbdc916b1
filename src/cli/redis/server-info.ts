import type { RedisPort, Reply } from '../../redis/port.js';
import { replyText } from '../../redis/reply-text.js';

/** What a server tells of itself by INFO. A field that it does not have, as older ones do not have all, is undefined. */
export class ServerInfo {
  readonly #fields: ReadonlyMap<string, string>;

  constructor(text: string) {
    const fields = new Map<string, string>();
    for (const line of text.split('\n')) {
      const colon = line.indexOf(':');
      if (colon > 0 && !line.startsWith('#')) fields.set(line.slice(0, colon), line.slice(colon + 1).trim());
    }
    this.#fields = fields;
  }

  static of(reply: Reply): ServerInfo {
    return new ServerInfo(replyText(reply));
  }

  static async ask(server: RedisPort): Promise<ServerInfo> {
    return ServerInfo.of(await server.send({ key: '', args: ['INFO'] }));
  }

  text(name: string): string | undefined {
    return this.#fields.get(name);
  }

  number(name: string): number | undefined {
    const text = this.#fields.get(name);
    if (text === undefined || text === '') return undefined;
    const number = Number(text);
    return Number.isNaN(number) ? undefined : number;
  }

  /** The parts of a field such as `ip=127.0.0.1,port=6380,lag=0`. */
  parts(name: string): ReadonlyMap<string, string> | undefined {
    const text = this.#fields.get(name);
    if (text === undefined) return undefined;
    return new Map(
      text.split(',').map((part) => [part.slice(0, part.indexOf('=')), part.slice(part.indexOf('=') + 1)]),
    );
  }

  /** Over all databases of the server. */
  keys(): { readonly keys: number; readonly expiring: number } {
    let keys = 0;
    let expiring = 0;
    for (const name of this.#fields.keys()) {
      if (!/^db\d+$/.test(name)) continue;
      keys += Number(this.parts(name)?.get('keys') ?? 0);
      expiring += Number(this.parts(name)?.get('expires') ?? 0);
    }
    return { keys, expiring };
  }

  /** Redis or Valkey, with the version of its own. */
  product(): { readonly name: 'Redis' | 'Valkey'; readonly version: string | undefined } {
    const valkey = this.text('valkey_version');
    return valkey === undefined
      ? { name: 'Redis', version: this.text('redis_version') }
      : { name: 'Valkey', version: valkey };
  }
}
