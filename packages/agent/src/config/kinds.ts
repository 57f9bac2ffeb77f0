import { type TSchema, Type } from 'typebox';

/** The kinds of settings, of which the groups beside this file are made. */

/** A time: milliseconds once read, `'15secs'`, `'never'` or seconds in the file. */
export const time = (value: string, description: string) =>
  Type.Unsafe<number>(
    Type.Union([Type.String(), Type.Number()], { unit: 'time', default: value, description }),
  );

/** A size: bytes once read, `'10k'`, `'unlimited'` or bytes in the file. */
export const size = (value: string, description: string) =>
  Type.Unsafe<number>(
    Type.Union([Type.String(), Type.Number()], { unit: 'size', default: value, description }),
  );

/** A number of things: `'100'` and `'unlimited'` in the file as well. */
export const count = (value: string, description: string) =>
  Type.Unsafe<number>(
    Type.Union([Type.String(), Type.Number()], { unit: 'count', default: value, description }),
  );

export const text = (description: string) => Type.Optional(Type.String({ maxLength: 4096, description }));

export const group = <P extends Record<string, TSchema>>(description: string, properties: P) =>
  Type.Object(properties, { default: {}, description });

export const port = (description: string) =>
  Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535, description }));

export const listen = (description: string) =>
  Type.Optional(Type.Union([Type.String(), Type.Array(Type.String(), { maxItems: 16 })], { description }));
