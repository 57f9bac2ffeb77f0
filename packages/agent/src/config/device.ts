import { Type } from 'typebox';
import { text } from './kinds.ts';

/** `device.json5`. */
export const device = Type.Object(
  {
    id: text('claim ID'),
    claim: text('older spelling of id'),
    product: text('product ID, the registration token'),
    name: text('what people call the device'),
    description: text('what the device is'),
    model: text('model of the product'),
    test: Type.Optional(
      Type.Union([Type.Boolean(), Type.Integer({ minimum: 0, maximum: 1 })], {
        description: 'a test device, not one of a customer',
      }),
    ),
    account: text('account to belong to without being claimed by a person; needs cloud'),
    cloud: text('cloud of that account'),
  },
  {
    additionalProperties: true,
    default: {},
    description: 'device.json5; any further property travels with registration',
  },
);
