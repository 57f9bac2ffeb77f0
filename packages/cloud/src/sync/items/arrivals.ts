import type { Clock, Component } from '@ioto/runtime';
import type { ItemStore } from '../../ports/item-store.ts';

/**
 * How far behind the present the end of a sync down is dated, in milliseconds: another process's clock may be behind this
 * one's. What is sent twice for it does no harm.
 */
const MARGIN = 1000;
/** Milliseconds that one note in the store is good for. */
const NOTED_AHEAD = 60_000;

const NOTE = { pk: 'sync#arrivals', sk: 'until' };

/** When something came in, as long as it is being stored. */
export interface Arrival {
  /** ISO time by the cloud's clock. */
  readonly time: string;
  /** It is stored, or never will be. */
  end(): void;
}

/**
 * The cloud's own time for everything that comes in: what a device is still to get is found by it, since the time that an
 * item itself has is its writer's. Never goes back, also not when the cloud's clock does between two runs of it.
 */
export class Arrivals implements Component {
  readonly name = 'arrivals';
  readonly #store: ItemStore;
  readonly #clock: Clock;
  readonly #underWay = new Set<{ time: number }>();
  #latest = 0;
  /** Times up to this are noted as used. */
  #noted = 0;

  constructor({ store, clock }: { store: ItemStore; clock: Clock }) {
    this.#store = store;
    this.#clock = clock;
  }

  async start(): Promise<void> {
    const note = await this.#store.get(NOTE.pk, NOTE.sk);
    const noted = Date.parse(String(note?.time));
    if (Number.isNaN(noted)) return;
    this.#noted = noted;
    this.#latest = Math.max(this.#latest, noted);
  }

  async stop(): Promise<void> {}

  /** To be asked for before what came in is stored, and ended after. */
  async next(): Promise<Arrival> {
    const entry = { time: this.#now() };
    this.#underWay.add(entry);
    try {
      if (entry.time > this.#noted) await this.#note(entry.time + NOTED_AHEAD);
    } catch (error) {
      this.#underWay.delete(entry);
      throw error;
    }
    return {
      time: new Date(entry.time).toISOString(),
      end: () => void this.#underWay.delete(entry),
    };
  }

  /** Milliseconds since the epoch: what arrived up to then is stored, and can be seen. */
  settled(): number {
    let settled = this.#now() - MARGIN;
    for (const { time } of this.#underWay) settled = Math.min(settled, time - 1);
    return settled;
  }

  #now(): number {
    this.#latest = Math.max(this.#latest, this.#clock.now());
    return this.#latest;
  }

  async #note(until: number): Promise<void> {
    await this.#store.write([{ put: { ...NOTE, time: new Date(until).toISOString() } }]);
    this.#noted = Math.max(this.#noted, until);
  }
}
