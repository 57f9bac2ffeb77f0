import { Type } from 'typebox';
import { count, group, text, time } from '../kinds.ts';

/** How clients are asked who they are; `form` is an older name of `session`. */
export const authType = (description: string) =>
  Type.Union(
    [
      Type.Literal('session'),
      Type.Literal('basic'),
      Type.Literal('digest'),
      Type.Literal('form'),
      Type.Literal('none'),
    ],
    { description },
  );

export const algorithm = (description: string) =>
  Type.Union([Type.Literal('SHA-256'), Type.Literal('MD5')], { description });

const password = Type.String({
  maxLength: 1024,
  description: "hash of the password, as 'ioto web password' makes it, or as Ioto made it",
});

export const auth = group('who may what', {
  realm: text("name of the place that one signs in to, part of old hashes; default: 'ioto'"),
  authType: Type.Union(
    [Type.Literal('session'), Type.Literal('basic'), Type.Literal('digest'), Type.Literal('form')],
    { default: 'session', description: 'how a client is asked who it is, where a route does not say' },
  ),
  algorithm: Type.Union([Type.Literal('SHA-256'), Type.Literal('MD5')], {
    default: 'SHA-256',
    description: 'hash of digest authentication',
  }),
  secret: text('what nonces of digest authentication are made with; default: one that the device makes'),
  track: Type.Boolean({ default: true, description: 'a digest counts once' }),
  requireTlsForBasic: Type.Boolean({
    default: true,
    description: 'passwords by basic authentication are taken over HTTPS only',
  }),
  roles: Type.Optional(
    Type.Union(
      [
        Type.Record(Type.String(), Type.Array(Type.String({ maxLength: 64 }), { maxItems: 64 })),
        Type.Array(Type.String({ maxLength: 64 }), { maxItems: 64 }),
      ],
      {
        description:
          'names, each with the roles that it inherits and what else it may; or a list, each may what those before it may; default: public, user, admin, owner, super',
      },
    ),
  ),
  users: Type.Record(
    Type.String(),
    Type.Object(
      {
        password,
        role: text('role of the user'),
        roles: Type.Optional(
          Type.Array(Type.String({ maxLength: 64 }), {
            maxItems: 64,
            description: 'older: the one of them that may most is it',
          }),
        ),
      },
      { additionalProperties: true },
    ),
    { default: {}, description: 'users by their names' },
  ),
  login: Type.String({
    default: '/api/public/login',
    maxLength: 1024,
    description: 'path that username and password are sent to, as a form or JSON',
  }),
  logout: Type.String({
    default: '/api/public/logout',
    maxLength: 1024,
    description: 'path that ends a session',
  }),
  store: Type.Union([Type.Literal('auto'), Type.Literal('database'), Type.Literal('file')], {
    default: 'auto',
    description:
      "where users are kept that the device learns of: 'database' the model User, 'file' @state/config/users.json5, 'auto' the database where it has such a model",
  }),
  setup: Type.Union([Type.Literal('open'), Type.Literal('local'), Type.Literal('off')], {
    default: 'open',
    description:
      "who may set the first password: 'open' whoever comes first, 'local' programs on the device, 'off' nobody",
  }),
  attempts: group('how often a password may be tried', {
    perAddress: count('5', 'wrong ones of a client, within the window'),
    perUser: count('10', 'wrong ones for a user, within the window'),
    window: time('1 min', 'after which it may be tried again'),
  }),
});

export const sessions = group('what a browser is known by', {
  enable: Type.Boolean({
    default: true,
    description: 'false: no cookies; who comes in does by basic or digest',
  }),
  cookie: Type.String({
    default: '-web-session-',
    maxLength: 64,
    pattern: '^[\\w.-]+$',
    description: 'name of the cookie; over HTTPS with __Host- before it',
  }),
  sameSite: Type.Union(
    [
      Type.Literal('Lax'),
      Type.Literal('Strict'),
      Type.Literal('None'),
      Type.Literal('lax'),
      Type.Literal('strict'),
      Type.Literal('none'),
    ],
    { default: 'Lax', description: 'SameSite of the cookie' },
  ),
  httpOnly: Type.Boolean({ default: true, description: 'stays true: pages need not read it' }),
  lifetime: time('12 hrs', 'of a session in all'),
});
