import { Type } from 'typebox';
import { group, time } from '../kinds.ts';

export const upload = group('files that clients send', {
  dir: Type.String({
    default: '@state/tmp',
    maxLength: 4096,
    description: 'directory where they lie meanwhile',
  }),
  remove: Type.Boolean({
    default: true,
    description: 'they are removed when the action that they are for has ended',
  }),
});

export const webSockets = group('WebSockets', {
  enable: Type.Boolean({ default: true, description: 'whether there are any' }),
  ping: time('30 secs', 'from one ping to the next; who does not answer is gone'),
  protocol: Type.Optional(
    Type.Union(
      [Type.String({ maxLength: 255 }), Type.Array(Type.String({ maxLength: 255 }), { maxItems: 16 })],
      {
        description: 'subprotocols that are spoken, best first',
      },
    ),
  ),
  validateUTF: Type.Boolean({
    default: true,
    description: 'texts that are none of UTF-8 end the connection',
  }),
});

export const signatures = group('what requests and answers of actions may look like', {
  enable: Type.Boolean({ default: false, description: 'checks all actions by them' }),
  path: Type.String({
    default: '@config/signatures.json5',
    maxLength: 4096,
    description: 'file of the signatures',
  }),
  strict: Type.Boolean({
    default: false,
    description: 'what they do not name is an error, instead of left out',
  }),
});
