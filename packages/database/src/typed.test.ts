import { describe, expect, expectTypeOf, it } from 'vitest';
import { World } from './database.fixture.ts';
import { compileSchema } from './schema/compile.ts';
import { defineSchema, type ItemOf, typed } from './typed.ts';

const schema = defineSchema({
  format: 'onetable:1.1.0',
  indexes: { primary: { hash: 'pk', sort: 'sk' }, byColour: { hash: 'colour', sort: 'id' } },
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

  it('hold for conditions, indexes and pages', async () => {
    const db = typed(await new World().open({ schema: compileSchema(schema) }), schema);
    for (const [id, level] of ['a', 'b', 'c'].map((id, at) => [id, at] as const)) {
      await db.create('Lamp', { id, level, place: { room: 'hall', floor: level } });
    }
    const ids = (page: readonly { id: string }[]) => page.map(({ id }) => id);
    expect(ids(db.find('Lamp', {}, { where: { level: { ge: 1 }, 'place.floor': { lt: 2 } } }))).toEqual([
      'b',
    ]);
    expect(ids(db.find('Lamp', {}, { where: ({ level = 0 }) => level > 1 }))).toEqual(['c']);
    const first = db.find('Lamp', { colour: 'red' }, { index: 'byColour', limit: 2 });
    expectTypeOf(first[0]?.level).toEqualTypeOf<number | undefined>();
    expect(
      ids(db.find('Lamp', { colour: 'red' }, { index: 'byColour', limit: 2, next: first.next })),
    ).toEqual(['c']);
    // @ts-expect-error there is no such field
    expect(() => db.find('Lamp', {}, { where: { lvl: 1 } })).toThrow('no field lvl');
    // @ts-expect-error a level is a number
    expect(() => db.find('Lamp', {}, { where: { level: { ge: 'high' } } })).toThrow('Lamp.level');
    // @ts-expect-error there is no such index
    expect(() => db.find('Lamp', { colour: 'red' }, { index: 'byLevel' })).toThrow('byLevel');
  });

  it('hold within a transaction, and for triggers', async () => {
    const db = typed(await new World().open({ schema: compileSchema(schema) }), schema);
    const seen: (number | undefined)[] = [];
    db.beforeChange('Lamp', ({ item }) => {
      expectTypeOf(item.level).toEqualTypeOf<number | undefined>();
      if ((item.level ?? 0) > 9) throw new Error('too bright');
    });
    db.afterChange('Lamp', ({ item, previous }) => seen.push(item.level, previous?.level));
    const made = await db.transact((transaction) => {
      const { id } = transaction.create('Lamp', { level: 1 });
      return transaction.update('Lamp', { id, level: 2 });
    });
    expectTypeOf(made.colour).toEqualTypeOf<'red' | 'green'>();
    expect(made.level).toBe(2);
    expect(seen).toEqual([1, undefined, 2, 1]);
    await expect(db.setField('Lamp', { id: made.id }, 'level', 10)).rejects.toThrow('too bright');
    expect(db.getField('Lamp', { id: made.id }, 'level')).toBe(2);
    db.onChange((change) => {
      expectTypeOf(change.model).toEqualTypeOf<'Lamp'>();
    });
  });
});
