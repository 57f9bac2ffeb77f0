import { type Static, Type } from 'typebox';

/** How the device's last update ended; of our own agent. */
export const UpdateReport = Type.Object({
  version: Type.String({ minLength: 1, maxLength: 64 }),
  outcome: Type.Union([Type.Literal('applied'), Type.Literal('failed')]),
  code: Type.Optional(Type.String({ maxLength: 64 })),
  message: Type.Optional(Type.String({ maxLength: 512 })),
});
export type UpdateReport = Static<typeof UpdateReport>;

/** `POST {api}/tok/provision/update`: the device's whole device.json5 with its versions (Ioto contract §9). */
export const UpdateCheck = Type.Object(
  {
    id: Type.String({ maxLength: 64 }),
    product: Type.Optional(Type.String({ maxLength: 64, description: 'product ID' })),
    version: Type.Optional(Type.String({ maxLength: 64, description: "of the device's software" })),
    iotoVersion: Type.Optional(Type.String({ maxLength: 64, description: 'of the agent' })),
    update: Type.Optional(UpdateReport),
  },
  { additionalProperties: true },
);
export type UpdateCheck = Static<typeof UpdateCheck>;

/** The answer when there is an update; else it is empty. Agents in the field know the first three. */
export const UpdateAnswer = Type.Object({
  url: Type.String({ minLength: 1, maxLength: 4096 }),
  version: Type.String({ minLength: 1, maxLength: 64 }),
  checksum: Type.String({ pattern: '^[0-9a-fA-F]{64}$', description: 'SHA-256 of the image, hexadecimal' }),
  signature: Type.Optional(Type.String({ maxLength: 128, description: 'Ed25519, base64' })),
  size: Type.Optional(Type.Integer({ minimum: 1, description: 'bytes of the image' })),
});
export type UpdateAnswer = Static<typeof UpdateAnswer>;
