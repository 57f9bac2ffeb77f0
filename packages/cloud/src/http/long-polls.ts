import type { IncomingMessage, ServerResponse } from 'node:http';

/** Requests under way, and the signals that end those which wait: the client is gone, or the program stops. */
export class LongPolls {
  readonly #controllers = new Map<IncomingMessage, AbortController>();
  readonly #running = new Set<ServerResponse>();
  #ended = false;
  #onIdle: (() => void) | undefined;

  /** Counts an answer that is to come. */
  began(response: ServerResponse): void {
    this.#running.add(response);
    response.once('close', () => {
      this.#running.delete(response);
      const controller = this.#controllers.get(response.req);
      this.#controllers.delete(response.req);
      controller?.abort();
      if (this.#running.size === 0) this.#onIdle?.();
    });
  }

  /** Aborted when the request's client goes away, its answer is sent, or the service stops. */
  signalOf(request: IncomingMessage): AbortSignal {
    let controller = this.#controllers.get(request);
    if (!controller) {
      controller = new AbortController();
      this.#controllers.set(request, controller);
      if (this.#ended || request.socket.destroyed) controller.abort();
    }
    return controller.signal;
  }

  /** Answers that are still to come. */
  get size(): number {
    return this.#running.size;
  }

  endAll(): void {
    this.#ended = true;
    for (const controller of this.#controllers.values()) controller.abort();
  }

  /** Resolves when nothing is under way, or after `ms` milliseconds. */
  idle(ms: number): Promise<void> {
    if (this.#running.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#onIdle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
