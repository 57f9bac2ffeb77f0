import { describe, expect, expectTypeOf, it } from 'vitest';
import { World } from './database.fixture.ts';
import { compileSchema } from './schema/compile.ts';
import { defineSchema, type ItemOf, typed } from './typed.ts';

const schema = defineSchema({
  format: 'onetable:1.1.0',
  indexes: { primary: { hash: 'pk', sort: 'sk' } },
  models: {
    Lamp: {
      pk: { type: 'string', value: 'lamp#' },
      sk: { type: 'string', value: 'lamp#${id}' },
      id: { type: 'string', generate: 'ulid' },
      colour: { type: 'string', enum: ['red', 'green'], default: 'red' },
      level: { type: 'number' },
      seen: { type: 'date' },
      place: {
        type: 'object',
        schema: { room: { type: 'string', required: true }, floor: { type: 'number' } },
      },
    },
  },
  params: { timestamps: true, isoDates: true },
});

describe('types of items', () => {
  it('are inferred from the schema', async () => {
    const db = typed(await new World().open({ schema: compileSchema(schema) }), schema);
    const lamp = await db.create('Lamp', { level: 3, place: { room: 'hall' } });
    expectTypeOf<ItemOf<typeof schema, 'Lamp'>['colour']>().toEqualTypeOf<'red' | 'green'>();
    expectTypeOf(lamp.level).toEqualTypeOf<number | undefined>();
    expectTypeOf(lamp.seen).toEqualTypeOf<string | undefined>();
    expectTypeOf(lamp.created).toEqualTypeOf<string>();
    expect(db.get('Lamp', { id: lamp.id })?.place?.room).toBe('hall');
    expect(db.find('Lamp', { colour: 'red' }).map(({ level }) => level)).toEqual([3]);
    // @ts-expect-error there is no such model
    expect(() => db.get('Lump', {})).toThrow();
  });
});
