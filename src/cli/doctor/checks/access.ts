import { serverCheck } from '../check.js';
import { setting } from '../facts.js';
import { unknown } from '../finding.js';
import { isExposed } from './exposure.js';

export const access = serverCheck('access', (server) => {
  const { openToAll } = server;
  if (!openToAll.known) return unknown('who is let in', openToAll.why);
  if (!openToAll.value) return { level: 'ok', found: 'a password is asked for' };
  const exposed = isExposed(server);
  if (exposed === false)
    return { level: 'ok', found: 'no password is asked for; only this machine can connect' };
  const means =
    'Whoever reaches it can read and change everything that is cached, and what the application takes for true.';
  const todo =
    'Set a password (requirepass), or ACL users with the rights they need, and bind it to the network of the application.';
  if (exposed === undefined) {
    return { level: 'warning', found: 'no password is asked for; who can reach it is not told', means, todo };
  }
  const bind = setting(server, 'bind') ?? '';
  const found = `no password is asked for, and it listens on ${bind === '' ? 'every address' : `'${bind}'`}`;
  // Protected mode lets nobody in from elsewhere then, which helps, and fails as soon as somebody needs to.
  const isProtected = setting(server, 'protected-mode') === 'yes';
  return {
    level: isProtected ? 'warning' : 'problem',
    found: isProtected ? `${found}; protected-mode is on` : found,
    means,
    todo,
  };
});
