import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

/** Who may read `/metrics`: programs on the device, everybody who reaches the web server, or nobody. */
export type MetricsDoor = 'loopback' | 'all' | 'off';

/**
 * Whether a request may see the figures. On loopback the name that it asks for counts too: a website may let its own name
 * point at this machine to read by a visitor's browser (DNS rebinding).
 */
export function mayReadMetrics(door: MetricsDoor, { socket, headers }: IncomingMessage): boolean {
  if (door !== 'loopback') return door === 'all';
  const name = headers.host
    ?.replace(/:\d*$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();
  const isNamedSo = name === undefined || name === 'localhost' || isIP(name) > 0;
  return isNamedSo && isLoopback(socket.remoteAddress ?? '');
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address);
}
