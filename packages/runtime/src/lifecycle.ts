import { CodedError } from './errors.ts';

/** A part of a program with a life. Its constructor does nothing; `stop` may be called twice, or without a start. */
export interface Component {
  readonly name: string;
  /** Resolves when the component serves. The signal aborts a start that is no longer wanted. */
  start(signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts components in the order given and stops them in reverse. A failed start rolls back what had started, and the
 * error says which component failed.
 */
export class Lifecycle {
  readonly #components: readonly Component[];
  #started: Component[] = [];
  #stopping: Promise<void> | undefined;

  constructor(components: readonly Component[]) {
    this.#components = components;
  }

  async start(signal: AbortSignal = new AbortController().signal): Promise<void> {
    for (const component of this.#components) {
      try {
        signal.throwIfAborted();
        this.#started.push(component);
        await component.start(signal);
      } catch (error) {
        await this.stop().catch(() => undefined);
        throw error;
      }
    }
  }

  /** Idempotent. Every component is stopped even when another fails to; the failures are then thrown together. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  async #stopAll(): Promise<void> {
    const failures: unknown[] = [];
    for (const component of this.#started.reverse()) {
      try {
        await component.stop();
      } catch (error) {
        failures.push(error);
      }
    }
    this.#started = [];
    this.#stopping = undefined;
    if (failures.length > 0) {
      throw new CodedError('STOP_FAILED', 'some components did not stop cleanly', {
        cause: new AggregateError(failures),
      });
    }
  }
}
