import type { ChangeCommand } from '@ioto/protocol';
import type { Item } from '../items/item.ts';
import type { ItemRecord } from '../items/record.ts';
import { visible } from '../items/visible.ts';
import type { Model } from '../schema/model.ts';
import type { Change } from './change.ts';

export interface ChangeFacts {
  readonly seq: number;
  readonly cmd: ChangeCommand;
  readonly previous?: ItemRecord;
  readonly origin?: string;
}

/** A change that is decided. What listeners are told of it is made when one of them is there to hear it. */
export class PlannedChange {
  readonly #model: Model | undefined;
  readonly #record: ItemRecord;
  readonly #facts: ChangeFacts;
  #change: Change | undefined;

  constructor(model: Model | undefined, record: ItemRecord, facts: ChangeFacts) {
    this.#model = model;
    this.#record = record;
    this.#facts = facts;
  }

  /** The item as callers see it: as it is now; of a removed one, as it was. */
  get item(): Item {
    return this.#change?.item ?? visible(this.#record.attributes, this.#model);
  }

  get model(): string {
    return this.#record.model;
  }

  /** The same object each time. */
  get change(): Change {
    this.#change ??= this.#told();
    return this.#change;
  }

  #told(): Change {
    const { seq, cmd, previous, origin } = this.#facts;
    const { pk, sk, model, attributes } = this.#record;
    const item = visible(attributes, this.#model);
    const before = previous && visible(previous.attributes, this.#model);
    return Object.freeze({ seq, cmd, model, pk, sk, item, previous: before, origin });
  }
}
