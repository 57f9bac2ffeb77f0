import type { Socket } from 'node:net';
import { isLoopback } from '../metrics-door.ts';
import { networkOf } from '../network.ts';

/** Connections of which one neighbour could use all without harm to others: there are too few to share. */
const FEW = 8;

/**
 * Who may connect: so many at once, and no address (of IPv6, no /64) more than half of them, so that one neighbour cannot keep all others out. The
 * device itself may have them all: a proxy on it speaks for everybody.
 */
export class Admission {
  readonly #limit: number;
  readonly #sockets = new Set<Socket>();
  readonly #byAddress = new Map<string, number>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Counts a connection until it ends; false: it is one too many. */
  admits(socket: Socket): boolean {
    if (this.#sockets.size >= this.#limit) return false;
    const address = socket.remoteAddress ?? '';
    const neighbour = networkOf(address);
    const held = this.#byAddress.get(neighbour) ?? 0;
    if (this.#limit >= FEW && held >= Math.floor(this.#limit / 2) && !isLoopback(address)) return false;
    this.#byAddress.set(neighbour, held + 1);
    this.#sockets.add(socket);
    socket.once('close', () => this.#letGo(socket, neighbour));
    return true;
  }

  /** Ends all of them, also those that have not said what they want. */
  endAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #letGo(socket: Socket, neighbour: string): void {
    this.#sockets.delete(socket);
    const held = (this.#byAddress.get(neighbour) ?? 1) - 1;
    if (held > 0) this.#byAddress.set(neighbour, held);
    else this.#byAddress.delete(neighbour);
  }
}
