import { type Static, Type } from 'typebox';

/**
 * What a device cloud and the builder say to each other: `POST {builder}/cloud/{register,bind,release,find}` with
 * `Authorization: bearer {cloud key}`. The builder never calls a cloud; a cloud asks.
 */

const id = Type.String({ maxLength: 64 });

export const CloudRegisterRequest = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 128 }),
  type: Type.Union([Type.Literal('dedicated'), Type.Literal('hosted')]),
  region: Type.String({ maxLength: 64 }),
  api: Type.String({ maxLength: 512, description: 'base that devices are redirected to' }),
});
export type CloudRegisterRequest = Static<typeof CloudRegisterRequest>;

export const CloudRecord = Type.Object({
  id: Type.String({ description: 'ULID' }),
  name: Type.String(),
  type: Type.Union([Type.Literal('dedicated'), Type.Literal('hosted')]),
  region: Type.String(),
  api: Type.String(),
});
export type CloudRecord = Static<typeof CloudRecord>;

/** What the builder knows of a device, as it shows it to the cloud that asks. */
export const Registration = Type.Object({
  id: Type.String(),
  /** Absent until the device has registered once (a claim made in advance). */
  product: Type.Optional(Type.String()),
  name: Type.Optional(Type.String()),
  description: Type.Optional(Type.String()),
  model: Type.Optional(Type.String()),
  test: Type.Optional(Type.Boolean()),
  properties: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  publicKey: Type.Optional(Type.String({ description: 'SPKI PEM pinned at the first register' })),
  registered: Type.Optional(Type.String({ description: 'ISO time of the first register' })),
  lastSeen: Type.Optional(Type.String({ description: 'ISO time of the latest register' })),
  /** Ownership generation: raised by every bind and release; 0 before the first. */
  generation: Type.Integer({ minimum: 0 }),
  /** Present while the asking cloud holds the device. */
  accountId: Type.Optional(Type.String()),
  /** True while any cloud holds the device. */
  claimed: Type.Boolean(),
});
export type Registration = Static<typeof Registration>;

/**
 * Binds a device to an account of the asking cloud. `generation` is the one that the bind makes, the current one plus
 * one, for which `token` was signed; when it is not, the answer is 409 GENERATION_STALE and the cloud asks again.
 * Binding what is already bound to the same account is answered with the binding that stands.
 */
export const BindRequest = Type.Object({
  id,
  accountId: id,
  generation: Type.Integer({ minimum: 1 }),
  token: Type.String({ maxLength: 4096 }),
  product: Type.Optional(id),
  pre: Type.Optional(Type.Boolean({ description: 'accept a device that never registered' })),
});
export type BindRequest = Static<typeof BindRequest>;

/** Unbinds and raises the generation. Releasing what this cloud does not hold (any more) is answered as done. */
export const ReleaseRequest = Type.Object({
  id,
  generation: Type.Integer({ minimum: 1, description: 'generation of the ownership that ends' }),
  forgetKey: Type.Optional(Type.Boolean({ description: 'also drop the pinned identity key' })),
});
export type ReleaseRequest = Static<typeof ReleaseRequest>;

/**
 * Either one device by `id`, or, with `pending`, what waits for this cloud; `wait` seconds of long poll. What the cloud
 * has not bound, or named in `done`, is told again after a minute.
 */
export const FindRequest = Type.Object({
  id: Type.Optional(id),
  pending: Type.Optional(Type.Boolean()),
  done: Type.Optional(
    Type.Array(id, { maxItems: 1000, description: 'IDs of earlier answers that the cloud has dealt with' }),
  ),
  wait: Type.Optional(Type.Number({ minimum: 0, maximum: 300 })),
});
export type FindRequest = Static<typeof FindRequest>;

/** A device that asked, at registration, to be claimed by an account of this cloud. */
export const SelfClaim = Type.Object({
  registration: Registration,
  accountId: Type.String({ description: 'the account that the device asked for' }),
});
export type SelfClaim = Static<typeof SelfClaim>;

export const FindAnswer = Type.Object({
  device: Type.Optional(Registration),
  selfClaims: Type.Optional(Type.Array(SelfClaim)),
  /** IDs claimed in advance by this cloud that have registered since. */
  completed: Type.Optional(Type.Array(Registration)),
});
export type FindAnswer = Static<typeof FindAnswer>;
