import { Type } from 'typebox';
import { group, size, text, time } from './kinds.ts';

export const update = group("updates of the device's software", {
  enable: Type.Boolean({
    default: true,
    description: 'whether the device asks for them; the service update as well',
  }),
  delay: time('15 secs', 'wait before the first check-in of a start'),
  period: time('24 hrs', 'time from one check-in to the next; never asks on demand only'),
  jitter: time(
    '1 hr',
    'longest time by which a check-in is put off at random, so that a fleet does not come at once',
  ),
  schedule: text(
    "cron pattern of the minutes in which the device may check in, such as '* 1-4 * * *'; any, when absent",
  ),
  apply: text('cron pattern of the minutes in which an update may be applied; any, when absent'),
  throttle: size('unlimited', 'bytes that a download may take in a second'),
  maxSize: size('2gb', 'largest image that is taken'),
  keys: Type.Optional(
    Type.Union([Type.String(), Type.Array(Type.String(), { maxItems: 16 })], {
      description: 'files of the public keys (Ed25519, PEM) by one of which every image must be signed',
    }),
  ),
  unsigned: Type.Boolean({
    default: false,
    description: 'take images that nobody has signed, on the word of the cloud; only without keys',
  }),
  product: text('product ID that images are signed for, where device.product is another token of it'),
  timeout: time('10 mins', 'longest time that scripts.update may take'),
});
