import { fail } from './errors.ts';
import type { ChangeListener } from './feed/change.ts';
import type { Outbox } from './feed/outbox.ts';
import type { Item, Page } from './items/item.ts';
import type {
  AppliedChange,
  ApplyOptions,
  CreateOptions,
  DatabaseOptions,
  DatabaseStats,
  FindOptions,
  ReadOptions,
  UpdateOptions,
  WriteOptions,
} from './options.ts';
import type { Schema } from './schema/compile.ts';
import type { Context, Properties } from './schema/definition.ts';

/** An embedded document database: items of a schema's models in memory, every change in a journal on disk. */
export interface Database {
  readonly schema: Schema;
  readonly context: Context;
  readonly outbox: Outbox;
  readonly stats: DatabaseStats;
  create<T = Item>(model: string, properties: Properties, options?: CreateOptions): Promise<T>;
  get<T = Item>(model: string, properties: Properties, options?: ReadOptions): T | undefined;
  find<T = Item>(model: string, properties?: Properties, options?: FindOptions): Page<T>;
  update<T = Item>(model: string, properties: Properties, options?: UpdateOptions): Promise<T>;
  upsert<T = Item>(model: string, properties: Properties, options?: WriteOptions): Promise<T>;
  remove<T = Item>(model: string, properties: Properties, options?: WriteOptions): Promise<T | undefined>;
  getField(model: string, properties: Properties, path: string): unknown;
  setField<T = Item>(
    model: string,
    properties: Properties,
    path: string,
    value: unknown,
    options?: UpdateOptions,
  ): Promise<T>;
  onChange(listener: ChangeListener): () => void;
  apply(change: AppliedChange, options?: ApplyOptions): Promise<Item | undefined>;
  setContext(context: Context): Promise<void>;
  clearSynced(): Promise<number>;
  compact(): Promise<void>;
  close(): Promise<void>;
}

export const Database = {
  open(_options: DatabaseOptions): Promise<Database> {
    return Promise.reject(fail('DATABASE_UNREADABLE', 'the database is not built yet'));
  },
};
