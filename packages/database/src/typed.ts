import type { Database } from './database.ts';
import type { Change } from './feed/change.ts';
import type { Item, Page } from './items/item.ts';
import type { CreateOptions, FindOptions, ReadOptions, UpdateOptions, WriteOptions } from './options.ts';
import type { Operators } from './where/where.ts';

/** A schema's definition as TypeScript sees it: written with `as const`, or passed to `defineSchema`. */
export interface SchemaDefinition {
  readonly format: string;
  readonly models: Readonly<Record<string, FieldDefinitions>>;
  readonly params?: {
    readonly timestamps?: unknown;
    readonly isoDates?: unknown;
    readonly typeField?: unknown;
  };
  readonly [rule: string]: unknown;
}

type FieldDefinitions = Readonly<Record<string, FieldDefinition>>;

interface FieldDefinition {
  readonly type: string;
  readonly required?: boolean;
  readonly enum?: readonly unknown[];
  readonly schema?: FieldDefinitions;
  readonly items?: FieldDefinition;
  readonly [rule: string]: unknown;
}

/** The definition itself; its literal types are what item types are inferred from. */
export function defineSchema<const S extends SchemaDefinition>(schema: S): S {
  return schema;
}

type DateOf<S extends SchemaDefinition> = S extends { params: { isoDates: true } } ? string : number;

type ValueOf<F, D> = F extends { enum: readonly (infer E)[] }
  ? E
  : F extends { type: 'string' | 'binary' }
    ? string
    : F extends { type: 'number' }
      ? number
      : F extends { type: 'boolean' }
        ? boolean
        : F extends { type: 'date' }
          ? D
          : F extends { type: 'array'; items: infer E }
            ? readonly ValueOf<E, D>[]
            : F extends { type: 'array' }
              ? readonly unknown[]
              : F extends { schema: infer N extends FieldDefinitions }
                ? FieldsOf<N, D>
                : Readonly<Record<string, unknown>>;

/** Fields of the primary key and computed ones that are hidden are not part of an item. */
type Shown<F> = {
  [N in keyof F]: F[N] extends { hidden: true }
    ? never
    : F[N] extends { hidden: false }
      ? N
      : F[N] extends { value: string }
        ? never
        : N;
}[keyof F];

/** What is always there: required, made by default, or generated. */
type Certain<F> = {
  [N in keyof F]: F[N] extends { required: true } | { generate: unknown } | { default: unknown } ? N : never;
}[keyof F];

type FieldsOf<F, D> = {
  readonly [N in keyof F as N extends Shown<F> & Certain<F> ? N : never]: ValueOf<F[N], D>;
} & {
  readonly [N in Exclude<Shown<F>, Certain<F>>]?: ValueOf<F[N], D>;
};

type Stamps<S extends SchemaDefinition> = S extends { params: { timestamps: true } }
  ? { readonly created: DateOf<S>; readonly updated: DateOf<S> }
  : unknown;

/** The type of a model's items, as the database returns them. */
export type ItemOf<S extends SchemaDefinition, M extends keyof S['models']> = FieldsOf<
  S['models'][M],
  DateOf<S>
> &
  Stamps<S> &
  Item;

/** What values a caller may give; null takes one away. Dates may be anything that makes a date. */
type InputOf<S extends SchemaDefinition, M extends keyof S['models']> = {
  readonly [N in keyof S['models'][M]]?: ValueOf<S['models'][M][N], string | number | Date> | null;
};

type Name<S extends SchemaDefinition> = keyof S['models'] & string;

/** What one field may be asked for. */
type OperatorsOf<V> = Omit<Operators, 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge' | 'between' | 'in'> & {
  readonly [O in 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge']?: V;
} & { readonly between?: readonly [V, V]; readonly in?: readonly V[] };

/** A condition on items of a model: as `Where`, with its fields, and paths into its objects. */
export type WhereOf<S extends SchemaDefinition, M extends keyof S['models']> = {
  readonly and?: readonly WhereOf<S, M>[];
  readonly or?: readonly WhereOf<S, M>[];
  readonly not?: WhereOf<S, M>;
  readonly [path: `${string}.${string}`]: unknown;
} & {
  readonly [N in keyof S['models'][M]]?:
    | ValueOf<S['models'][M][N], string | number | Date>
    | OperatorsOf<ValueOf<S['models'][M][N], string | number | Date>>
    | null;
};

type IndexOf<S extends SchemaDefinition> = S extends { indexes: infer I }
  ? Exclude<keyof I & string, 'primary'>
  : string;

type FindOptionsOf<S extends SchemaDefinition, M extends keyof S['models']> = Omit<
  FindOptions,
  'index' | 'where'
> & {
  readonly index?: IndexOf<S>;
  readonly where?: WhereOf<S, M> | ((item: ItemOf<S, M>) => boolean);
};

/** A change of one model. */
export type ChangeOf<S extends SchemaDefinition, M extends Name<S>> =
  M extends Name<S>
    ? Omit<Change, 'model' | 'item' | 'previous'> & {
        readonly model: M;
        readonly item: ItemOf<S, M>;
        readonly previous?: ItemOf<S, M>;
      }
    : never;

/** The methods of a transaction, with the models of one schema. */
export interface TypedTransaction<S extends SchemaDefinition> {
  create<M extends Name<S>>(model: M, properties: InputOf<S, M>, options?: CreateOptions): ItemOf<S, M>;
  update<M extends Name<S>>(model: M, properties: InputOf<S, M>, options?: UpdateOptions): ItemOf<S, M>;
  upsert<M extends Name<S>>(model: M, properties: InputOf<S, M>, options?: WriteOptions): ItemOf<S, M>;
  remove<M extends Name<S>>(
    model: M,
    properties: InputOf<S, M>,
    options?: WriteOptions,
  ): ItemOf<S, M> | undefined;
}

/** The methods of a database, with the models, properties and items of one schema. */
export interface TypedDatabase<S extends SchemaDefinition> {
  create<M extends Name<S>>(
    model: M,
    properties: InputOf<S, M>,
    options?: CreateOptions,
  ): Promise<ItemOf<S, M>>;
  get<M extends Name<S>>(
    model: M,
    properties: InputOf<S, M>,
    options?: ReadOptions,
  ): ItemOf<S, M> | undefined;
  find<M extends Name<S>>(
    model: M,
    properties?: InputOf<S, M>,
    options?: FindOptionsOf<S, M>,
  ): Page<ItemOf<S, M>>;
  update<M extends Name<S>>(
    model: M,
    properties: InputOf<S, M>,
    options?: UpdateOptions,
  ): Promise<ItemOf<S, M>>;
  upsert<M extends Name<S>>(
    model: M,
    properties: InputOf<S, M>,
    options?: WriteOptions,
  ): Promise<ItemOf<S, M>>;
  remove<M extends Name<S>>(
    model: M,
    properties: InputOf<S, M>,
    options?: WriteOptions,
  ): Promise<ItemOf<S, M> | undefined>;
  getField<M extends Name<S>>(model: M, properties: InputOf<S, M>, path: string): unknown;
  setField<M extends Name<S>>(
    model: M,
    properties: InputOf<S, M>,
    path: string,
    value: unknown,
    options?: UpdateOptions,
  ): Promise<ItemOf<S, M>>;
  transact<T>(work: (transaction: TypedTransaction<S>) => T): Promise<T>;
  onChange(listener: (change: ChangeOf<S, Name<S>>) => void): () => void;
  beforeChange<M extends Name<S>>(model: M, trigger: (change: ChangeOf<S, M>) => void): () => void;
  afterChange<M extends Name<S>>(model: M, trigger: (change: ChangeOf<S, M>) => void): () => void;
}

/** The same database, seen with the types of the schema that it was opened with. Nothing is checked at run time. */
export function typed<S extends SchemaDefinition>(database: Database, _schema: S): TypedDatabase<S> {
  return database as unknown as TypedDatabase<S>;
}
