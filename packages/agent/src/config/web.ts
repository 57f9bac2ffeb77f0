import { Type } from 'typebox';
import { listen, text } from './kinds.ts';
import { signatures, upload, webSockets } from './web/actions.ts';
import { auth, sessions } from './web/auth.ts';
import { limits, timeouts } from './web/bounds.ts';
import { redirect, routes } from './web/routes.ts';
import { tls } from './web/tls.ts';

export const web = Type.Object(
  {
    listen: listen(
      "addresses to listen on, such as 'http://:80' for every interface; without any, 'http://127.0.0.1:8080'",
    ),
    listens: listen('older spelling of listen'),
    name: text(
      "the device's public name, and its port if it has one, for redirects; else what the request says",
    ),
    documents: Type.String({ default: '@site', maxLength: 4096, description: 'directory of the pages' }),
    index: Type.String({
      default: 'index.html',
      maxLength: 255,
      pattern: '^[^./\\\\\\0][^/\\\\\\0]*$',
      description: 'file that is the page of a directory',
    }),
    mime: Type.Record(Type.String(), Type.String({ maxLength: 255, pattern: '^[!-~]+/[ -~]+$' }), {
      default: {},
      description: "media types by the ending of a file's name, beside and before those that are known",
    }),
    headers: Type.Record(Type.String(), Type.String({ maxLength: 8192, pattern: '^[\\t -~]*$' }), {
      default: {},
      description:
        'headers of every answer, in place of those that it has by itself; an empty one is left out',
    }),
    redirect,
    routes,
    limits,
    timeouts,
    tls,
    auth,
    sessions,
    upload,
    webSockets,
    signatures,
    metrics: Type.Union([Type.Literal('loopback'), Type.Literal('all'), Type.Literal('off')], {
      default: 'loopback',
      description:
        "who may read /metrics: 'loopback' programs on the device, 'all' whoever reaches the web server, 'off' nobody",
    }),
  },
  { additionalProperties: true, default: {}, description: 'web.json5' },
);
