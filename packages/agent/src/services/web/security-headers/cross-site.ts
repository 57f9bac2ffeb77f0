import type { IncomingMessage } from 'node:http';
import { webError } from '../errors.ts';
import { namesLocally } from '../host-name.ts';

/**
 * Refuses what changes something where it comes from another site, or to a name that is not the device's: a website may have
 * let its own name point at it (DNS rebinding). Browsers say where a request comes from; other clients are no danger.
 *
 * @throws WEB_HOST, WEB_CROSS_SITE
 */
export function refuseCrossSite({ headers, socket }: IncomingMessage, names: readonly string[]): void {
  if (!namesLocally(headers.host, names)) {
    throw webError(
      'WEB_HOST',
      'the device does not go by this name: call it by its address or local name, or set web.name',
    );
  }
  const { origin } = headers;
  const from = headers['sec-fetch-site'];
  const own = `http${'encrypted' in socket ? 's' : ''}://${headers.host ?? ''}`;
  const isOwn =
    from === undefined
      ? origin === undefined || origin.toLowerCase() === own.toLowerCase()
      : from === 'same-origin' || from === 'none';
  if (!isOwn) throw webError('WEB_CROSS_SITE', 'another site may not ask for this');
}
