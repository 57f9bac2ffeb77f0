import { Type } from 'typebox';
import { text, time } from '../kinds.ts';

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
      handler: Type.Literal('file', { default: 'file', description: 'files of the documents' }),
      redirect: text('path or URL that it answers with, instead of by the handler'),
      trim: text('beginning of the path that the handler does not see'),
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
