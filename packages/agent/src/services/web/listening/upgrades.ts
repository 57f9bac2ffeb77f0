import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** A connection that HTTP has let go of, and what had come after the head of its last request. */
export interface LetGo {
  socket: Socket;
  head: Buffer;
}

export type UpgradeListener = (request: IncomingMessage, response: ServerResponse, connection: LetGo) => void;

/** Connections whose client wants to speak another protocol: Node looks after them no more. */
export class Upgrades {
  readonly #listener: UpgradeListener;
  readonly #sockets = new Set<Socket>();

  constructor(listener: UpgradeListener) {
    this.#listener = listener;
  }

  /** The listener gets a response, too, which says no and ends the connection with it. */
  take(request: IncomingMessage, socket: Socket, head: Buffer): void {
    // Node's own listener is gone, and an error that nobody hears ends the process.
    socket.on('error', () => socket.destroy());
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.once('finish', () => {
      response.detachSocket(socket);
      // What the client has sent meanwhile would turn the end into a reset, which takes the answer along.
      socket.resume();
      socket.destroySoon();
    });
    this.#listener(request, response, { socket, head });
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
