import { coreSchema } from '@ioto/protocol';
import { expect, it } from 'vitest';
import { compileSchema } from '../schema/compile.ts';
import { isCompared } from './compared.ts';

const text = { type: 'string' } as const;
const model = (pk: string, sk: string, more: object = {}) => ({
  pk: { ...text, value: pk },
  sk: { ...text, value: sk },
  ...{ accountId: text, deviceId: text, group: text, id: text },
  ...more,
});

const schema = compileSchema({
  ...coreSchema,
  models: {
    ...coreSchema.models,
    OfDevice: model('x', 'x#${id}'),
    OfAccountUp: model('y#${accountId}', 'y#${id}'),
    OfAccountBoth: model('z#${accountId}', 'z#${id}'),
    InGroups: model('g#${deviceId}#${group}', 'g#${id}'),
    ExpiresHere: model('e#${deviceId}', 'e#${id}', { until: { type: 'date', ttl: true, sync: 'none' } }),
  },
  process: {
    ...coreSchema.process,
    OfDevice: { enable: true, sync: 'up' },
    OfAccountUp: { enable: true, sync: 'up' },
    OfAccountBoth: { enable: true, sync: 'both' },
    InGroups: { enable: true, sync: 'up' },
    ExpiresHere: { enable: true, sync: 'up' },
  },
});

it('models are compared whose tables are to be the same at both ends, and of which the cloud knows whose items are', () => {
  const compared = [...schema.models.values()].filter(isCompared).map(({ name }) => name);
  expect(compared.sort()).toEqual(['Broadcast', 'OfAccountBoth', 'OfDevice', 'Store']);
});
