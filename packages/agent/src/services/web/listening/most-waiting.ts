import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

const WAITING = Symbol('answers that wait');

interface Counted extends Socket {
  [WAITING]?: Set<ServerResponse>;
  /** Node's own: the answer that has the socket now. */
  _httpMessage?: ServerResponse | null;
}

/**
 * Counts the requests that a connection has sent ahead of its answers. Node reads them all, and keeps each with its answer
 * until those before have gone out: a client that sends many and reads nothing would fill the memory.
 */
export class MostWaiting {
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Whether all that a connection has asked for was answered. */
  isIdle(socket: Counted): boolean {
    return !socket[WAITING]?.size && !socket._httpMessage;
  }

  /** False: it was one too many, and the connection is ended. */
  admits(socket: Counted, response: ServerResponse): boolean {
    // Node gives the socket to one answer at a time: the one that has it does not wait.
    if (response.socket) return true;
    socket[WAITING] ??= newWaiting(socket);
    const waiting = socket[WAITING];
    if (waiting.size >= this.#limit) {
      socket.destroy();
      return false;
    }
    waiting.add(response);
    response.on('finish', answered);
    return true;
  }
}

/** Node tells the end of a connection to the one answer that has it: what the others hold would be held for ever. */
function newWaiting(socket: Socket): Set<ServerResponse> {
  const waiting = new Set<ServerResponse>();
  socket.once('close', () => {
    for (const response of waiting) {
      if (response.socket) continue;
      response.destroy();
      response.emit('close');
    }
    waiting.clear();
  });
  return waiting;
}

function answered(this: ServerResponse): void {
  // It is gone where a request was given up in the middle of its body.
  const socket = this.req.socket as Counted | null;
  socket?.[WAITING]?.delete(this);
}
