import type { Component } from '@ioto/runtime';
import type { ItemStore } from '../ports/item-store.ts';
import type { Waiters } from './waiters.ts';

/** Wakes those who wait for a partition of the store when something in it changes. */
export class ChangeBell implements Component {
  readonly name = 'change bell';
  readonly #options: { store: ItemStore; waiters: Waiters };
  #end: (() => void) | undefined;

  constructor(options: { store: ItemStore; waiters: Waiters }) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { store, waiters } = this.#options;
    this.#end = store.onChange(({ pk }) => waiters.notify(pk));
  }

  async stop(): Promise<void> {
    this.#end?.();
    this.#end = undefined;
  }
}
