import { coreSchema } from '@ioto/protocol';
import { expect, it } from 'vitest';
import { compileSchema } from './compile.ts';
import { schemaHash } from './schema-hash.ts';

const hash = (more: { models?: object; process?: object } = {}) =>
  schemaHash(
    compileSchema({
      ...coreSchema,
      models: { ...coreSchema.models, ...more.models },
      process: { ...coreSchema.process, ...more.process },
    }),
  );
const own = { pk: { type: 'string', value: 'own#' }, sk: { type: 'string', value: 'own#${name}' } };
const withOwn = (fields: object, sync: string) =>
  hash({
    models: { Own: { ...own, name: { type: 'string' }, ...fields } },
    process: { Own: { enable: true, sync } },
  });

it('schemas have the same hash where they have the same content to sync, and no other', () => {
  expect(hash()).toBe(hash());
  expect(withOwn({}, 'none')).toBe(hash());
  expect(withOwn({}, 'up')).not.toBe(hash());
  expect(withOwn({ speed: { type: 'number' } }, 'up')).not.toBe(withOwn({ speed: { type: 'string' } }, 'up'));
  const [a, b] = [{ type: 'string' }, { type: 'number' }];
  expect(withOwn({ a, b }, 'up')).toBe(withOwn({ b, a }, 'up'));
});
