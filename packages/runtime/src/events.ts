/** Events by name with the type of their one payload. */
export type EventMap = Record<string, unknown>;

/**
 * A typed event emitter. Listeners are called in order and synchronously; one that throws does not keep the others from
 * hearing: its error goes to `onListenerError`.
 */
export class Emitter<E extends EventMap> {
  readonly #listeners = new Map<keyof E, Set<(payload: never) => void>>();
  readonly #onListenerError: (event: keyof E, error: unknown) => void;

  constructor(onListenerError: (event: keyof E, error: unknown) => void) {
    this.#onListenerError = onListenerError;
  }

  /** Returns the function that ends the subscription. */
  on<K extends keyof E>(event: K, listener: (payload: E[K]) => void): () => void {
    let set = this.#listeners.get(event);
    if (!set) {
      set = new Set();
      this.#listeners.set(event, set);
    }
    set.add(listener as (payload: never) => void);
    return () => set.delete(listener as (payload: never) => void);
  }

  /** Whether anybody would hear an event: its payload need not be made for nobody. */
  isHeard(event: keyof E): boolean {
    return (this.#listeners.get(event)?.size ?? 0) > 0;
  }

  once<K extends keyof E>(event: K, listener: (payload: E[K]) => void): () => void {
    const off = this.on(event, (payload) => {
      off();
      listener(payload);
    });
    return off;
  }

  /** Resolves with the next payload of `event`; rejects when the signal aborts. */
  next<K extends keyof E>(event: K, signal?: AbortSignal): Promise<E[K]> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const onAbort = () => {
        off();
        reject(signal?.reason);
      };
      const off = this.once(event, (payload) => {
        signal?.removeEventListener('abort', onAbort);
        resolve(payload);
      });
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  emit<K extends keyof E>(event: K, payload: E[K]): void {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) {
      try {
        const result: unknown = (listener as (payload: E[K]) => unknown)(payload);
        if (result instanceof Promise) result.catch((error) => this.#onListenerError(event, error));
      } catch (error) {
        this.#onListenerError(event, error);
      }
    }
  }
}
