import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { CodedError } from '@ioto/runtime';

/** Milliseconds for which the rest of what a refused client sends is read and thrown away. */
const LINGER = 1000;

/** Answers a request that does not become a WebSocket, as AWS's clients read it, and closes the connection. */
export function refuseUpgrade(socket: Duplex, error: CodedError): void {
  if (socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status = 500, code, message, retryAfter } = error;
  const body = JSON.stringify({ code, error: message, message });
  const seconds =
    retryAfter === undefined ? [] : [`Retry-After: ${Math.max(1, Math.ceil(retryAfter / 1000))}`];
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `x-amzn-errortype: ${code}`,
    'Connection: close',
    ...seconds,
  ];
  // Closing while the peer still sends would reset the connection, and the answer would be lost with it.
  socket.resume();
  setTimeout(() => socket.destroy(), LINGER).unref();
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/** Whatever was thrown, as it may be told. */
export function refusalOf(thrown: unknown): CodedError {
  if (thrown instanceof CodedError && thrown.status !== undefined) return thrown;
  return new CodedError('INTERNAL', 'the request failed here; the log of the cloud says why', {
    status: 500,
  });
}
