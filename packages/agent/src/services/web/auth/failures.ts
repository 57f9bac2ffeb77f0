import type { Clock, Emitter } from '@ioto/runtime';
import type { AgentEvents } from '../../../agent-events.ts';
import { networkOf } from '../network.ts';

const MINUTE = 60_000;
const MOST_COUNTED = 1000;

/** Tells of wrong passwords: the first of a client at once, more of them together, once a minute. */
export class Failures {
  readonly #events: Emitter<AgentEvents>;
  readonly #clock: Clock;
  readonly #clients = new Map<string, { untold: number; told: number }>();

  constructor(events: Emitter<AgentEvents>, clock: Clock) {
    this.#events = events;
    this.#clock = clock;
  }

  add(address: string): void {
    const [network, now] = [networkOf(address), this.#clock.now()];
    const client = this.#clients.get(network) ?? { untold: 0, told: Number.NEGATIVE_INFINITY };
    client.untold += 1;
    if (now - client.told < MINUTE) return;
    this.#events.emit('web:sign-in-failed', { address, count: client.untold });
    // Last told, last forgotten.
    this.#clients.delete(network);
    this.#clients.set(network, { untold: 0, told: now });
    const [oldest] = this.#clients.keys();
    if (this.#clients.size > MOST_COUNTED && oldest !== undefined) this.#clients.delete(oldest);
  }
}
