import type { ChangeCommand } from '@ioto/protocol';
import type { Item } from '../items/item.ts';

/** One change of the database, as it is told once it is durable (or at once, where the model is not). */
export interface Change {
  /** Grows with every change, across restarts; gaps are possible. */
  readonly seq: number;
  readonly cmd: ChangeCommand;
  readonly model: string;
  readonly pk: string;
  readonly sk: string;
  /** The item as it is now; for `remove`, as it was. */
  readonly item: Item;
  /** The item as it was before. */
  readonly previous?: Item;
  /** Who made the change, when it was not the program itself: `cloud`, `context` (a change of account or device), … */
  readonly origin?: string;
}

export type ChangeListener = (change: Change) => void;
