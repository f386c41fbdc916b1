import { setting, type ServerFacts } from '../facts.js';

/**
 * Whether the server listens on more than the machine's own loopback; undefined where its settings are not told. An address with
 * a minus before it is one that may be missing.
 */
export function isExposed(server: ServerFacts): boolean | undefined {
  const bind = setting(server, 'bind');
  if (bind === undefined) return undefined;
  const addresses = bind.split(/\s+/).filter((address) => address !== '');
  // Nothing named is everything.
  return addresses.length === 0 || addresses.some((address) => !isLoopback(address.replace(/^-/, '')));
}

function isLoopback(address: string): boolean {
  return address === '::1' || address === 'localhost' || /^127\.\d+\.\d+\.\d+$/.test(address);
}
