import type { IncomingMessage } from 'node:http';

export interface Fault {
  status: number;
  /** One sentence for whoever reads the answer. */
  text: string;
}

const fault = (status: number, text: string): Fault => ({ status, text });
/** A name, an IPv4 address or an IPv6 address in brackets, and perhaps a port. */
const HOST = /^(?:\[[0-9a-f:.]+\]|[\w.-]*)(?::\d{0,5})?$/i;

const ABSOLUTE = /^https?:\/\/([^/?#]*)/i;

/**
 * What is wrong with a request that Node's parser lets through and servers must not: where proxies and servers read one
 * differently, a second request can hide in it (RFC 9112 §11.2). Undefined for a request that is as it should be.
 */
export function faultOfShape(request: IncomingMessage, maxHeaders: number): Fault | undefined {
  const { rawHeaders, headers, httpVersion, url = '', method } = request;
  if (rawHeaders.length / 2 > maxHeaders) {
    return fault(431, `Only ${maxHeaders} header lines are taken`);
  }
  const hosts = countOf(rawHeaders, 'host');
  if (hosts > 1) return fault(400, 'Only one Host may be named');
  if (headers.host !== undefined && !HOST.test(headers.host)) return fault(400, 'The Host is none');
  const coding = headers['transfer-encoding'];
  if (coding !== undefined) {
    if (httpVersion === '1.0') return fault(400, 'HTTP/1.0 knows no Transfer-Encoding');
    if (coding.trim().toLowerCase() !== 'chunked')
      return fault(501, 'No Transfer-Encoding but chunked is known');
  }
  if (countOf(rawHeaders, 'content-type') > 1) return fault(400, 'Only one Content-Type may be named');
  if (url.startsWith('/') || (url === '*' && method === 'OPTIONS')) return undefined;
  const authority = ABSOLUTE.exec(url)?.[1];
  if (authority === undefined) return fault(400, 'The path must begin with a slash');
  if (authority.toLowerCase() === headers.host?.toLowerCase()) return undefined;
  return fault(400, 'The Host is another than the one in the target');
}

/** Path and query of a target, which clients of proxies send as a whole URL (RFC 9112 §3.2.2). */
export function originForm(url: string): string {
  const match = ABSOLUTE.exec(url);
  return match ? url.slice(match[0].length) || '/' : url;
}

/** Whether a body comes with it, of whatever length. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** Whether a client wants to speak WebSocket from here on. */
export function asksForWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.trim().toLowerCase() === 'websocket';
}

function countOf(rawHeaders: readonly string[], name: string): number {
  let count = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const each = rawHeaders[at] as string;
    if (each.length === name.length && each.toLowerCase() === name) count += 1;
  }
  return count;
}
