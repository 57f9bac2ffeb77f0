import { type Static, Type } from 'typebox';
import { SyncPace, SyncReport } from './sync-hello.ts';

/** One item as it travels: its model in `_type`, its sort key, its time; `pk` never travels up. */
export const WireItem = Type.Object(
  {
    _type: Type.Optional(Type.String()),
    sk: Type.Optional(Type.String()),
    updated: Type.Optional(Type.String()),
  },
  { additionalProperties: true },
);
export type WireItem = Static<typeof WireItem>;

export const CHANGE_COMMANDS = ['create', 'update', 'upsert', 'remove'] as const;
export type ChangeCommand = (typeof CHANGE_COMMANDS)[number];

/** One change of a device's database. `key` is the item's sort key. */
export const SyncChange = Type.Object({
  cmd: Type.Unsafe<ChangeCommand>(Type.Union(CHANGE_COMMANDS.map((command) => Type.Literal(command)))),
  key: Type.String({ maxLength: 1024 }),
  item: WireItem,
  /** Where `base` is agreed: `updated`, in milliseconds, of the version that the writer had seen; 0 for none. */
  base: Type.Optional(Type.Integer()),
});
export type SyncChange = Static<typeof SyncChange>;

/** `…/db/syncToDynamo`: a batch; `seq` starts at random and grows by one per message. */
export const SyncUp = Type.Object({
  seq: Type.Integer(),
  changes: Type.Array(SyncChange, { maxItems: 10_000 }),
});
export type SyncUp = Static<typeof SyncUp>;

/** The same with what is said where both ends have agreed on it. */
export const AgreedSyncUp = Type.Intersect([SyncUp, Type.Partial(SyncReport)]);
export type AgreedSyncUp = Static<typeof AgreedSyncUp>;

/** `…/sync/SYNC`: what is durable in the cloud; every key of the batch is listed, also of a change that was stale. */
export const SyncAck = Type.Object({
  seq: Type.Integer(),
  keys: Type.Array(Type.String()),
  updated: Type.String(),
});
export type SyncAck = Static<typeof SyncAck>;

/** The same where both ends have agreed on `through`: the whole batch is durable, and so is all up to that version. */
export const AgreedSyncAck = Type.Object({
  seq: Type.Integer(),
  all: Type.Literal(true),
  updated: Type.String(),
  /** Missing where the cloud does not know the connection's database. */
  through: Type.Optional(Type.Integer({ minimum: 0 })),
  pace: Type.Optional(SyncPace),
  /** The times, ISO, of items that the cloud dated anew, by sort key. */
  stamps: Type.Optional(Type.Record(Type.String(), Type.String())),
});
export type AgreedSyncAck = Static<typeof AgreedSyncAck>;

/** `…/db/syncDown`: send what changed strictly later than `timestamp`. */
export const SyncDownRequest = Type.Object({ timestamp: Type.Optional(Type.String()) });
export type SyncDownRequest = Static<typeof SyncDownRequest>;

/** `…/sync/SYNCDOWN`: everything up to `updated` has been sent. */
export const SyncDownEnd = Type.Object({ updated: Type.String() });
export type SyncDownEnd = Static<typeof SyncDownEnd>;
