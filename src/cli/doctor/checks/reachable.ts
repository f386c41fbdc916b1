import { deploymentCheck } from '../check.js';

export const reachable = deploymentCheck('reachable', ({ servers, unreachable }) => {
  if (unreachable.length === 0) {
    return [
      {
        level: 'ok',
        found: servers.length === 1 ? 'the server answers' : `all ${servers.length} servers answer`,
      },
    ];
  }
  return unreachable.map(({ address, why }) => ({
    level: 'problem',
    found: `${address} cannot be asked: ${why}`,
    means: 'Keys of this server are loaded from the database, and invalidations wait until it is back.',
    todo: 'See that it runs, and that address, TLS, login and firewall are right.',
  }));
});
