import type { ServerResponse } from 'node:http';

/** Bytes of a body beyond which copying it costs more than making its headers again. */
const LARGEST = 16 * 1024;

/** What Node has of an answer beside what it says it has. */
interface Rendered {
  /** Status line and headers as they are sent. */
  _header?: unknown;
  /** The connection has had as many requests as it may. */
  maxRequestsOnConnectionReached?: boolean;
}

/**
 * All bytes of an answer that Node has made, headers with those of the connection and body, to be sent again as they are.
 * Undefined where they cannot be: large ones, those that end their connection, and all of a Node that keeps its headers elsewhere.
 */
export function readyMessage(response: ServerResponse, body: Buffer): Buffer | undefined {
  const { _header: head } = response as Rendered;
  if (body.length > LARGEST || typeof head !== 'string') return undefined;
  if (!head.endsWith('\r\n\r\n') || !head.includes('\r\nConnection: keep-alive\r\n')) return undefined;
  return Buffer.concat([Buffer.from(head, 'latin1'), body]);
}

/**
 * Sends such bytes in place of an answer, which is finished by that. Making headers, chunks and their order anew is a quarter of
 * what Node takes for a small answer. False where it is not as simple: nothing was sent.
 */
export function sendReady(response: ServerResponse, message: Buffer): boolean {
  const { socket, shouldKeepAlive } = response;
  // It has the socket when no other answer of the connection is before it; what is not written yet means a client that does not read.
  if (!socket?.writable || socket.writableLength > 0) return false;
  if (!shouldKeepAlive || (response as Rendered).maxRequestsOnConnectionReached) return false;
  socket.write(message);
  // Node turns to the next request of the connection by this event, which it would emit itself when all was written.
  response.emit('finish');
  return true;
}
