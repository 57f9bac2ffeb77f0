import { Type } from 'typebox';
import { listen } from './kinds.ts';

export const web = Type.Object(
  {
    listen: listen(
      "addresses to listen on, such as 'http://:80' for every interface; without any, 'http://127.0.0.1:8080'",
    ),
    listens: listen('older spelling of listen'),
    metrics: Type.Union([Type.Literal('loopback'), Type.Literal('all'), Type.Literal('off')], {
      default: 'loopback',
      description:
        "who may read /metrics: 'loopback' programs on the device, 'all' whoever reaches the web server, 'off' nobody",
    }),
  },
  { additionalProperties: true, default: {}, description: 'web.json5' },
);
