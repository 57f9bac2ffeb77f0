import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { CodedError } from '@ioto/runtime';

/**
 * Requests of one connection that may wait for their answers. Clients in use ask one thing after the other; what goes on
 * asking without reading (pipelining, RFC 9112 §9.3.2) would only fill the memory.
 */
const MOST_PIPELINED = 32;

interface OpenRequest {
  isOver: boolean;
  controller?: AbortController;
  /** What is to be done when it is over. */
  readonly callbacks: (() => void)[];
}

/**
 * The requests that are not answered yet, and what is to end with each. One is over when its answer is sent or its connection
 * has closed: of several on one connection, Node tells only the response that holds the socket of the close.
 */
export class OpenRequests {
  readonly #open = new Set<OpenRequest>();
  readonly #byRequest = new WeakMap<IncomingMessage, OpenRequest>();
  readonly #bySocket = new WeakMap<Duplex, Set<OpenRequest>>();
  #ended = false;
  #onIdle: (() => void) | undefined;

  /**
   * Counts an answer that is to come.
   *
   * @throws PIPELINE_TOO_LONG (429) on a connection that has too many; it is closed.
   */
  began(response: ServerResponse): void {
    const { req: request } = response;
    const ofSocket = this.#requestsOf(request.socket);
    if (request.socket.destroyed || ofSocket.size >= MOST_PIPELINED) {
      request.socket.destroy();
      throw new CodedError(
        'PIPELINE_TOO_LONG',
        `a connection may have ${MOST_PIPELINED} requests without an answer`,
        { status: 429 },
      );
    }
    const open: OpenRequest = { isOver: false, callbacks: [] };
    this.#byRequest.set(request, open);
    this.#open.add(open);
    ofSocket.add(open);
    response.once('close', () => {
      ofSocket.delete(open);
      this.#finish(open);
    });
  }

  /** Aborted when the request's client goes away, its answer is sent, or the service stops. */
  signalOf(request: IncomingMessage): AbortSignal {
    const open = this.#byRequest.get(request);
    if (!open || open.isOver || this.#ended) return AbortSignal.abort();
    open.controller ??= new AbortController();
    return open.controller.signal;
  }

  /** Calls back once the request is over, at once when it is already. */
  whenOver(request: IncomingMessage, callback: () => void): void {
    const open = this.#byRequest.get(request);
    if (!open || open.isOver) callback();
    else open.callbacks.push(callback);
  }

  /** Answers that are still to come. */
  get size(): number {
    return this.#open.size;
  }

  /** Ends what waits. */
  endAll(): void {
    this.#ended = true;
    for (const { controller } of this.#open) controller?.abort();
  }

  /** Resolves when nothing is under way, or after `ms` milliseconds. */
  idle(ms: number): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#onIdle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #requestsOf(socket: Duplex): Set<OpenRequest> {
    const known = this.#bySocket.get(socket);
    if (known) return known;
    const requests = new Set<OpenRequest>();
    this.#bySocket.set(socket, requests);
    socket.once('close', () => {
      for (const open of requests) this.#finish(open);
      requests.clear();
    });
    return requests;
  }

  #finish(open: OpenRequest): void {
    if (open.isOver) return;
    open.isOver = true;
    this.#open.delete(open);
    open.controller?.abort();
    for (const callback of open.callbacks) callback();
    if (this.#open.size === 0) this.#onIdle?.();
  }
}
