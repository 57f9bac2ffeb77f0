import { isIP } from 'node:net';
import { hostname } from 'node:os';

/** Endings that nobody can register on the internet (RFC 6761, 6762, 8375, ICANN's .internal), and what routers use. */
const LOCAL_ENDING = /\.(localhost|local|internal|home\.arpa|lan|home|localdomain)$/;

/**
 * Whether a request names the device as only somebody near it would: by an address, or by a name that no website can have.
 * A website may let its own name point at a device to read its pages with a visitor's browser (DNS rebinding); the Host
 * header then still carries the website's name.
 */
export function namesLocally(host: string | undefined, listens: readonly string[] = []): boolean {
  if (host === undefined) return true;
  const name = host
    .toLowerCase()
    .replace(/:\d*$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '');
  if (isIP(name) > 0 || !name.includes('.')) return true;
  return LOCAL_ENDING.test(name) || name === hostname().toLowerCase() || listens.includes(name);
}
