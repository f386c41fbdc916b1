import type { RedisPort } from '../../src/redis/port.js';

/** The port of one server, with another way to send; reads and pipelines go theirs. */
export function sendingThrough(port: RedisPort, send: RedisPort['send']): RedisPort {
  return new Proxy(port, {
    get(target, name, self: RedisPort) {
      if (name === 'send') return send;
      if (name === 'servers') return [self];
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}
