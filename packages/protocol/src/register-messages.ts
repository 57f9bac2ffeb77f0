import { type Static, Type } from 'typebox';

/** Bounds on what a stranger may send; a register body is a device.json5 and seldom passes 1 KiB. */
const name = Type.String({ maxLength: 256 });
const text = Type.String({ maxLength: 1024 });

/** `POST {builder}/device/register`: the device's device.json5, any further property included. */
export const RegisterRequest = Type.Object(
  {
    id: Type.String({ maxLength: 64, description: 'claim ID, exact form' }),
    product: Type.Optional(
      Type.String({ maxLength: 64, description: 'product ID; the token stands in Authorization' }),
    ),
    name: Type.Optional(name),
    description: Type.Optional(text),
    model: Type.Optional(name),
    test: Type.Optional(Type.Union([Type.Boolean(), Type.Integer({ minimum: 0, maximum: 1 })])),
    created: Type.Optional(
      Type.String({ maxLength: 64, description: 'ignored: the builder keeps its own time' }),
    ),
    account: Type.Optional(Type.String({ maxLength: 64, description: 'self-claim: account ID' })),
    cloud: Type.Optional(Type.String({ maxLength: 64, description: 'self-claim: cloud ID' })),
    wait: Type.Optional(
      Type.Number({ minimum: 0, maximum: 300, description: 'seconds to wait for a claim' }),
    ),
    publicKey: Type.Optional(
      Type.String({ maxLength: 1024, description: 'SPKI PEM of the device identity key' }),
    ),
  },
  { additionalProperties: true },
);
export type RegisterRequest = Static<typeof RegisterRequest>;

export const RegisterAnswer = Type.Object({
  registered: Type.Literal(true),
  id: Type.Optional(Type.String()),
  product: Type.Optional(Type.String()),
  api: Type.Optional(Type.String({ description: 'base of the device cloud, with /api and the real port' })),
  token: Type.Optional(
    Type.String({ description: 'bearer token for provisioning, signed by the device cloud' }),
  ),
  accountId: Type.Optional(Type.String()),
  cloudType: Type.Optional(Type.Union([Type.Literal('dedicated'), Type.Literal('hosted')])),
  cloudName: Type.Optional(Type.String()),
  cloudRegion: Type.Optional(Type.String()),
});
export type RegisterAnswer = Static<typeof RegisterAnswer>;

/** `POST {api}/tok/device/provision`. Without a CSR the cloud makes the key, for agents that cannot. */
export const ProvisionRequest = Type.Object({
  id: Type.String({ maxLength: 64 }),
  csr: Type.Optional(Type.String({ maxLength: 8192, description: 'PKCS#10 PEM, EC P-256' })),
});
export type ProvisionRequest = Static<typeof ProvisionRequest>;

export const ProvisionAnswer = Type.Object({
  id: Type.String(),
  accountId: Type.String(),
  certificate: Type.String({ description: 'PEM' }),
  key: Type.Optional(Type.String({ description: 'PEM; absent when a CSR came' })),
  endpoint: Type.String({ description: 'bare DNS name of the MQTT endpoint' }),
  port: Type.Integer(),
  cloudType: Type.String(),
  cloudName: Type.String(),
  cloudRegion: Type.String(),
  ca: Type.String({ description: 'PEM of the authority of the endpoint' }),
  expires: Type.String({ description: 'ISO time at which the certificate ends' }),
  sync: Type.Optional(Type.Integer({ description: 'the cloud answers sync/hello; only where a CSR came' })),
});
export type ProvisionAnswer = Static<typeof ProvisionAnswer>;

/** Every refusal at a REST edge. `delay` is in seconds. */
export const ErrorAnswer = Type.Object({
  error: Type.String(),
  code: Type.String(),
  delay: Type.Optional(Type.Number()),
});
export type ErrorAnswer = Static<typeof ErrorAnswer>;
