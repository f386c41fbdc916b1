import { serverCheck } from '../check.js';
import { isExposed } from './exposure.js';

export const tls = serverCheck('tls', (server, facts) => {
  if (facts.tls) return { level: 'ok', found: 'this connection is encrypted' };
  const exposed = isExposed(server);
  if (exposed === false)
    return { level: 'ok', found: 'this connection is not encrypted; it stays on the machine' };
  return {
    level: 'warning',
    found: `this connection is not encrypted, and ${exposed === undefined ? 'who can reach the server is not told' : 'the server listens on the network'}`,
    means: 'Whoever can listen on the way reads passwords and values, and can change them.',
    todo: 'Use TLS (rediss://, --tls), unless nobody else can listen on that network.',
  };
});
