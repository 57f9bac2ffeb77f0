import type { Clock } from '@ioto/runtime';
import { isExpired } from '../items/expiry.ts';
import type { Item, Page } from '../items/item.ts';
import type { ItemRecord } from '../items/record.ts';
import { pageOf, select } from '../items/select.ts';
import { uncovered, visible } from '../items/visible.ts';
import type { FindOptions, ReadOptions } from '../options.ts';
import type { Properties } from '../schema/definition.ts';
import type { Model } from '../schema/model.ts';
import { readPath } from '../schema/path.ts';
import type { State } from '../state.ts';
import type { Desks } from '../writes/desks.ts';
import { findRecord, removedAt } from '../writes/plan.ts';

export interface ReaderOptions {
  state: State;
  desks: Desks;
  clock: Clock;
}

/** The reads of a database. What has expired is gone for them, be it swept away yet or not. */
export class Reader {
  readonly #state: State;
  readonly #desks: Desks;
  readonly #clock: Clock;

  constructor({ state, desks, clock }: ReaderOptions) {
    this.#state = state;
    this.#desks = desks;
    this.#clock = clock;
  }

  get(model: Model, properties: Properties, options: ReadOptions): Item | undefined {
    const record = this.#living(model, properties);
    return record && shown(record, model, options);
  }

  field(model: Model, properties: Properties, path: string): unknown {
    const record = this.#living(model, properties);
    return record && readPath(record.attributes, path);
  }

  find(model: Model, properties: Properties, options: FindOptions): Page<Item> {
    const { items, indexes } = this.#state;
    const from = { items, indexes, context: this.#desks.context, clock: this.#clock };
    return pageOf(select(from, model, properties, options), (record) => shown(record, model, options));
  }

  removedAt(model: Model, properties: Properties): string | undefined {
    const key = model.readyKey(properties) ?? model.keyOf(properties, this.#desks.context);
    return removedAt({ state: this.#state }, key);
  }

  #living(model: Model, properties: Properties): ItemRecord | undefined {
    const record = findRecord(this.#state.items, model, properties, this.#desks.context);
    return record && !isExpired(model, record, this.#clock) ? record : undefined;
  }
}

function shown(record: ItemRecord, model: Model, { hidden }: ReadOptions): Item {
  return hidden ? uncovered(record, model) : visible(record.attributes, model);
}
