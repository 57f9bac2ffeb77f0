export { Database } from './database.ts';
export { databaseErrors } from './errors.ts';
export type { Change, ChangeListener } from './feed/change.ts';
export type { Acknowledged, Loss, Outbox, OutboxEntry, PendingOptions, Waiting } from './feed/outbox.ts';
export { isCompared } from './items/compared.ts';
export { fillComputed } from './items/computed.ts';
export { expiryOf } from './items/expiry.ts';
export { mergeItemOf, noteFieldTimes, withMerged } from './items/field-times.ts';
export type { Item, Page } from './items/item.ts';
export { contentOf, timeOf, versionOf } from './items/version.ts';
export { wireItem } from './items/visible.ts';
export type { FileLayer, OpenFile } from './journal/file-layer.ts';
export { nodeFiles } from './journal/node-files.ts';
export type { LossReason } from './journal/operation.ts';
export type {
  AppliedChange,
  ApplyOptions,
  BatchWrite,
  CreateOptions,
  DatabaseOptions,
  DatabaseStats,
  ExportOptions,
  FindOptions,
  LostPart,
  ReadOptions,
  Salvaged,
  TornTail,
  UpdateOptions,
  WriteOptions,
} from './options.ts';
export { checkDatabase, type DatabaseCheck, salvageDatabase } from './salvage/check.ts';
export { coerce } from './schema/coerce.ts';
export { compileSchema, type Schema, type Timestamps } from './schema/compile.ts';
export { completeSchema } from './schema/complete-schema.ts';
export type { Context, Durability, FieldType, ItemKey, Properties, Sync } from './schema/definition.ts';
export type { Field } from './schema/field.ts';
export { type KeyRange, Model } from './schema/model.ts';
export type { QueueRule, WebRule } from './schema/process.ts';
export { readSchema } from './schema/read-schema.ts';
export { schemaHash } from './schema/schema-hash.ts';
export { parseItems } from './transfer/json5.ts';
export {
  type ChangeOf,
  defineSchema,
  type ItemOf,
  type SchemaDefinition,
  type TypedDatabase,
  type TypedTransaction,
  typed,
  type WhereOf,
} from './typed.ts';
export type { Operators, Where } from './where/where.ts';
export { Transaction } from './writes/transaction.ts';
