import type { IncomingMessage } from 'node:http';
import { webError } from '../errors.ts';
import { namesLocally } from '../host-name.ts';

/**
 * Refuses what changes something where it comes from another site, or to a name that is not the device's: a website may have
 * let its own name point at it (DNS rebinding). Browsers say where a request comes from; other clients are no danger.
 *
 * @throws WEB_HOST, WEB_CROSS_SITE
 */
export function refuseCrossSite(raw: IncomingMessage, names: readonly string[]): void {
  refuseOtherHost(raw, names);
  const from = raw.headers['sec-fetch-site'];
  const isOwn = from === undefined ? comesFromOwn(raw) : from === 'same-origin' || from === 'none';
  if (!isOwn) throw crossSite();
}

/**
 * As `refuseCrossSite`, for WebSockets: browsers let the pages of every site open them, and always say by `Origin` which it
 * was (RFC 6455 §10.2); what they say of the site of `ws:` URLs differs.
 *
 * @throws WEB_HOST, WEB_CROSS_SITE
 */
export function refuseCrossSiteSocket(raw: IncomingMessage, names: readonly string[]): void {
  refuseOtherHost(raw, names);
  if (!comesFromOwn(raw)) throw crossSite();
}

function refuseOtherHost({ headers }: IncomingMessage, names: readonly string[]): void {
  if (namesLocally(headers.host, names)) return;
  throw webError(
    'WEB_HOST',
    'the device does not go by this name: call it by its address or local name, or set web.name',
  );
}

/** The same host and port. A page over HTTPS may ask over HTTP, by a proxy that ends TLS; not the other way round, where anybody may have written the page. */
function comesFromOwn({ headers, socket }: IncomingMessage): boolean {
  const { origin, host = '' } = headers;
  if (origin === undefined) return true;
  const schemes = 'encrypted' in socket ? ['https'] : ['http', 'https'];
  return schemes.some((scheme) => origin.toLowerCase() === `${scheme}://${host}`.toLowerCase());
}

function crossSite(): Error {
  return webError('WEB_CROSS_SITE', 'another site may not ask for this');
}
