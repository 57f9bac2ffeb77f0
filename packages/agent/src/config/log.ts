import { Type } from 'typebox';
import { group, text } from './kinds.ts';

export const log = group('log of the program', {
  path: text("where it goes: a file, or 'cloud' by the service logs; default: standard error"),
  group: Type.String({ default: 'ioto', maxLength: 512, description: "log group for 'cloud'" }),
  stream: Type.String({
    default: '{id}-agent',
    maxLength: 512,
    description: "log stream for 'cloud'; filled in as those of logs.files",
  }),
  level: Type.Optional(
    Type.Union([Type.Literal('debug'), Type.Literal('info'), Type.Literal('warn'), Type.Literal('error')], {
      description: 'least level that is written; options of the command line go before',
    }),
  ),
});
