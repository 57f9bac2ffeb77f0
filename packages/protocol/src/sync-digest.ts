import { type Static, Type } from 'typebox';

/**
 * How a device finds out in what its tables differ from the cloud's, where both have agreed on `digest`. It asks for each
 * model, first with a digest of the whole table; where that is another, with digests of its buckets, and is told the cloud's
 * rows of those that differ. What it then lacks it fetches, and what the cloud lacks it sends as changes.
 */

/** The names of the requests. */
export const SYNC_DIGEST = 'sync/digest';
export const SYNC_FETCH = 'sync/fetch';
export const SYNC_CHECKED = 'sync/checked';

/** Keys that one question may fetch. */
export const MOST_FETCHED = 500;
/** Milliseconds after the question's time within which an item that expires is left out: ends sweep at different times. */
export const EXPIRY_MARGIN = 3_600_000;

const model = Type.String({ minLength: 1, maxLength: 128 });
const count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const key = Type.String({ maxLength: 1024 });
/** Of the whole table, in hex. */
const digest = Type.String({ maxLength: 64 });

export const SyncDigest = Type.Object({
  model,
  /** ISO time: what expires before an hour after it is left out at both ends. */
  at: Type.String({ maxLength: 32 }),
  digest,
  count,
  /** The ends read items by different schemas: only keys and times are compared. */
  timesOnly: Type.Optional(Type.Boolean()),
  /** With `buckets`: the digests of 2^bits buckets, in base64. */
  bits: Type.Optional(Type.Integer({ minimum: 0, maximum: 12 })),
  buckets: Type.Optional(Type.String({ maxLength: 65_536 })),
});
export type SyncDigest = Static<typeof SyncDigest>;

/** Ask again after so many seconds. */
const SyncLater = Type.Object({ retryAfter: Type.Integer({ minimum: 1, maximum: 3600 }) });
/** The cloud does not compare such a table. */
const SyncRefused = Type.Object({ refused: Type.String({ maxLength: 256 }) });

export const SyncDigestAnswer = Type.Union([
  Type.Object({ equal: Type.Literal(true) }),
  Type.Object({
    equal: Type.Literal(false),
    /** Of the cloud's items; the bits of the next question go by the larger table. */
    count,
    /** The buckets that differ and fit, and the cloud's rows of them; the rest with the next question. */
    buckets: Type.Optional(Type.Array(Type.Integer({ minimum: 0, maximum: 4095 }), { maxItems: 4096 })),
    rows: Type.Optional(Type.Array(Type.Tuple([key, Type.String({ maxLength: 64 }), digest]))),
    more: Type.Optional(Type.Boolean()),
  }),
  SyncLater,
  SyncRefused,
]);
export type SyncDigestAnswer = Static<typeof SyncDigestAnswer>;

export const SyncFetch = Type.Object({ model, keys: Type.Array(key, { maxItems: MOST_FETCHED }) });
export type SyncFetch = Static<typeof SyncFetch>;

/** `sent`: how many of them there were, as items or as removals; they have come before the answer. */
export const SyncFetchAnswer = Type.Union([Type.Object({ sent: count }), SyncLater, SyncRefused]);
export type SyncFetchAnswer = Static<typeof SyncFetchAnswer>;

/** All tables were the same, `models` of them. */
export const SyncChecked = Type.Object({ models: count });
export type SyncChecked = Static<typeof SyncChecked>;
