import { type Static, Type } from 'typebox';

/**
 * What a device and a cloud of ours agree on beyond the contract, once for each connection: the device asks
 * `sync/hello`, and each uses only what both can. A device asks no cloud of which it does not know that it is one of
 * ours, and a cloud does nothing of this toward a connection that did not ask.
 */

/** The name of the request. */
export const SYNC_HELLO = 'sync/hello';

/**
 * `through`: batches say what they bring the device's order of changes to, and acknowledgements name no keys; `pace`: the
 * cloud says how much may be under way; `lean`: items come without what the cloud knows; `stamp`: an acknowledgement says
 * which items were dated anew; `merge`: items of models that are merged by field carry the times of their fields; `base`: a
 * change says which version of the item its writer had seen; `digest`: the device may compare its tables with the cloud's.
 */
export const SYNC_ABILITIES = ['through', 'pace', 'lean', 'stamp', 'merge', 'base', 'digest'] as const;
export type SyncAbility = (typeof SYNC_ABILITIES)[number];

const version = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

/** How much a device may have under way. */
export const SyncPace = Type.Object({
  /** Batches that are not acknowledged. */
  window: Type.Integer({ minimum: 1, maximum: 64 }),
  /** Of one message. */
  bytes: Type.Integer({ minimum: 1024 }),
  /** Milliseconds in which to send no further batch. */
  wait: Type.Optional(Type.Integer({ minimum: 0, maximum: 3_600_000 })),
});
export type SyncPace = Static<typeof SyncPace>;

/** Changes that a device gave up before they went up, by model, since its database was made. */
export const SyncLost = Type.Record(Type.String({ maxLength: 128 }), count, { maxProperties: 100 });
export type SyncLost = Static<typeof SyncLost>;

/** Where a device stands: the latest version of its order that is on its disk, and how many items wait. */
const standing = {
  latest: version,
  pending: count,
  lost: Type.Optional(SyncLost),
};

export const SyncHello = Type.Object({
  v: Type.Integer({ minimum: 1 }),
  can: Type.Array(Type.String({ maxLength: 32 }), { maxItems: 64 }),
  /** Of the models that sync, `schemaHash`. */
  schema: Type.String({ maxLength: 64 }),
  /** Of the database: another one counts its versions anew. */
  generation: Type.String({ minLength: 1, maxLength: 64 }),
  ...standing,
});
export type SyncHello = Static<typeof SyncHello>;

export const SyncHelloAnswer = Type.Object({
  v: Type.Integer({ minimum: 1 }),
  /** What both can. */
  can: Type.Array(Type.String({ maxLength: 32 }), { maxItems: 64 }),
  schema: Type.String({ maxLength: 64 }),
  through: version,
  /** The cloud's clock, ISO. */
  time: Type.String({ maxLength: 64 }),
  pace: SyncPace,
});
export type SyncHelloAnswer = Static<typeof SyncHelloAnswer>;

/**
 * What a batch says beside its changes: with it, and with the batches `beside`, which went before it and are not
 * acknowledged yet, the cloud has everything of a version up to `through`. What has been replaced since by a later change
 * of its item waits as that change.
 */
export const SyncReport = Type.Object({
  through: version,
  /** Numbers of batches, `seq`. */
  beside: Type.Array(Type.Integer(), { maxItems: 64 }),
  ...standing,
});
export type SyncReport = Static<typeof SyncReport>;
