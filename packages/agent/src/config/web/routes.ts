import { Type } from 'typebox';
import { group, text, time } from '../kinds.ts';
import { algorithm, authType } from './auth.ts';

/** A size that has no default of its own, which would go before that of the server. */
const ownSize = (description: string) =>
  Type.Optional(
    Type.Unsafe<number>(Type.Union([Type.String(), Type.Number()], { unit: 'size', description })),
  );

/** One route of the web server: what it matches, and who answers. The first that matches counts. */
export const routes = Type.Array(
  Type.Object(
    {
      match: Type.String({
        default: '',
        maxLength: 1024,
        description:
          "path that it answers: all below it where it ends in a slash, that path alone where it does not; '' every path",
      }),
      methods: Type.Optional(
        Type.Array(Type.String({ maxLength: 16 }), { maxItems: 16, description: 'methods that it answers' }),
      ),
      handler: Type.Union(
        [Type.Literal('file'), Type.Literal('action'), Type.Literal('upload'), Type.Literal('rest')],
        {
          default: 'file',
          description:
            "who answers: 'file' the documents, 'action' the product's program, 'upload' puts files into the documents, 'rest' the database",
        },
      ),
      role: text("role or ability that is needed; without one, or with 'public', none is"),
      can: text('older spelling of role'),
      authType: Type.Optional(authType('how a client is asked who it is; default: auth.authType')),
      algorithm: Type.Optional(algorithm('hash of digest authentication; default: auth.algorithm')),
      redirect: text(
        'path or URL that it answers with instead of by the handler; with a role, only to pages that nobody has signed in for',
      ),
      trim: text('beginning of the path that the handler does not see'),
      stream: Type.Optional(
        Type.Union([Type.Boolean(), Type.Record(Type.String(), Type.Unknown())], {
          description: 'bodies are handed to the action unread',
        }),
      ),
      validate: Type.Optional(
        Type.Boolean({
          description: 'requests and answers are checked by the signatures; default: signatures.enable',
        }),
      ),
      xsrf: Type.Optional(
        Type.Boolean({
          description:
            'what changes something needs the token of the session; default: wherever a session is what lets it in',
        }),
      ),
      models: Type.Optional(
        Type.Array(Type.String({ maxLength: 64 }), {
          maxItems: 64,
          description: "models that 'rest' shows; default: those whose process says web",
        }),
      ),
      limits: group('bounds of this route, in place of those of the server', {
        body: ownSize('body of a request that uploads no files; default: limits.body'),
        upload: ownSize('one file that is uploaded; default: limits.upload'),
      }),
      compressed: Type.Boolean({
        default: false,
        description: 'FILE.br and FILE.gz, where they lie beside FILE, stand for it with who takes them',
      }),
      cache: Type.Optional(
        Type.Object(
          {
            maxAge: Type.Optional(time('0', 'how long browsers may keep an answer without asking again')),
            directives: text("what else goes into Cache-Control, such as 'public, immutable'"),
            extensions: Type.Optional(
              Type.Array(Type.String({ maxLength: 32 }), {
                maxItems: 64,
                description: 'endings of the files that this holds for; all of them, when absent',
              }),
            ),
          },
          { description: 'Cache-Control of its files' },
        ),
      ),
    },
    { additionalProperties: true },
  ),
  {
    maxItems: 256,
    default: [],
    description: 'who answers which path; without any, the files of the documents',
  },
);

export const redirect = Type.Array(
  Type.Object(
    {
      from: text(
        "what is redirected: 'http', 'http://:80', 'example.com', '/old', '/old/'; all, when absent",
      ),
      to: Type.String({
        minLength: 1,
        maxLength: 2048,
        description:
          "where to: 'https://', 'https://:8443', '/new'; parts that are missing are the request's",
      }),
      status: Type.Union(
        [Type.Literal(301), Type.Literal(302), Type.Literal(303), Type.Literal(307), Type.Literal(308)],
        { default: 302, description: 'status of the answer' },
      ),
    },
    { additionalProperties: true },
  ),
  { maxItems: 64, default: [], description: 'answered before any route' },
);
