import type { IncomingMessage } from 'node:http';
import { namesLocally } from './host-name.ts';

/** Who may read `/metrics`: programs on the device, everybody who reaches the web server, or nobody. */
export type MetricsDoor = 'loopback' | 'all' | 'off';

/**
 * Whether a request may see the figures. On loopback the name that it asks for counts too: a website may let its own name
 * point at this machine to read by a visitor's browser (DNS rebinding). Let in are the names by which other pages tell
 * somebody near the device more: addresses, names without a dot or of a local ending, the machine's own and those that it
 * was told to listen on (`listens`). No website can have any of them.
 */
export function mayReadMetrics(
  door: MetricsDoor,
  { socket, headers }: IncomingMessage,
  listens: readonly string[] = [],
): boolean {
  if (door !== 'loopback') return door === 'all';
  return namesLocally(headers.host, listens) && isLoopback(socket.remoteAddress ?? '');
}

export function isLoopback(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address);
}
