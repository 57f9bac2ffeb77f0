import type { Clock } from '@ioto/runtime';
import type { Schema } from '../schema/compile.ts';
import type { Context } from '../schema/definition.ts';
import type { State } from '../state.ts';
import type { Desk } from './plan.ts';
import { keyContext } from './plan-context.ts';

/** Makes the desk of each moment, once for each context and millisecond rather than for each call. */
export class Desks {
  readonly #schema: Schema;
  readonly #state: State;
  readonly #clock: Clock;
  #keyContext: { of?: Context; context: Context } = { context: {} };
  #latest: Desk | undefined;

  constructor(schema: Schema, state: State, clock: Clock) {
    this.#schema = schema;
    this.#state = state;
    this.#clock = clock;
  }

  /** What keys are made with. */
  get context(): Context {
    const { context } = this.#state;
    if (this.#keyContext.of !== context) this.#keyContext = { of: context, context: keyContext(context) };
    return this.#keyContext.context;
  }

  now(): Desk {
    const now = this.#clock.now();
    const { context } = this;
    if (this.#latest?.now === now && this.#latest.context === context) return this.#latest;
    const isoNow = new Date(now).toISOString();
    this.#latest = { schema: this.#schema, state: this.#state, context, now, isoNow };
    return this.#latest;
  }
}
