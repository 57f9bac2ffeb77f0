import type { IncomingMessage } from 'node:http';
import type { Fault } from '../request-path/shape.ts';

/** 16 bytes in base64. */
const KEY = /^[+/0-9A-Za-z]{21}[AQgw]==$/;
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

export type HandshakeFault = Fault & { headers?: Readonly<Record<string, string>> };

/** What is wrong with the request that opens a WebSocket (RFC 6455 §4.2.1); undefined: nothing. */
export function faultOfHandshake({
  method,
  headers,
  httpVersion,
}: IncomingMessage): HandshakeFault | undefined {
  if (method !== 'GET' || httpVersion !== '1.1') {
    return { status: 400, text: 'A WebSocket is opened by GET of HTTP/1.1' };
  }
  if (headers['sec-websocket-version'] !== '13') {
    const version = { 'sec-websocket-version': '13', upgrade: 'websocket', connection: 'upgrade, close' };
    return { status: 426, text: 'Only version 13 of WebSockets is spoken', headers: version };
  }
  if (!KEY.test(headers['sec-websocket-key'] ?? ''))
    return { status: 400, text: 'The Sec-WebSocket-Key is none' };
  return undefined;
}

/**
 * The subprotocol to be spoken: the first of ours that the client offers too; '' where it offers none, or we speak none.
 * Undefined: it offers none but others, or what are no names.
 */
export function chooseProtocol(offered: string | undefined, spoken: readonly string[]): string | undefined {
  if (offered === undefined) return '';
  const names = offered.split(',').map((name) => name.trim());
  if (new Set(names).size < names.length || !names.every((name) => TOKEN.test(name))) return undefined;
  return spoken.length === 0 ? '' : spoken.find((name) => names.includes(name));
}
