import type { Component } from '@ioto/runtime';
import type { ItemChange, ItemStore } from './item-store.ts';

/** A component that hears of every committed write of the store, from its start to its stop. */
export abstract class FeedFollower implements Component {
  abstract readonly name: string;
  readonly #store: Pick<ItemStore, 'onChange'>;
  #end: (() => void) | undefined;

  constructor(store: Pick<ItemStore, 'onChange'>) {
    this.#store = store;
  }

  async start(): Promise<void> {
    this.#end = this.#store.onChange((change) => this.changed(change));
  }

  async stop(): Promise<void> {
    this.#end?.();
    this.#end = undefined;
  }

  protected abstract changed(change: ItemChange): void;
}
