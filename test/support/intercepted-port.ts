import type { RedisPort } from '../../src/redis/port.js';

/** The port, with something happening between the answer to a read and its reader. */
export function afterEachGet(port: RedisPort, happen: (key: string) => Promise<unknown>): RedisPort {
  const get: RedisPort['get'] = async (key, deadline) => {
    const bytes = await port.get(key, deadline);
    await happen(key);
    return bytes;
  };
  return new Proxy(port, {
    get(target, name) {
      if (name === 'get') return get;
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}
