import { coreSchema } from '@ioto/protocol';
import { describe, expect, it } from 'vitest';
import { ACCOUNT, DEVICE, World } from '../database.fixture.ts';
import { compileSchema } from './compile.ts';
import { completeSchema } from './complete-schema.ts';
import { readSchema } from './read-schema.ts';

/** The files of a product as they are in the field: a schema of its own over what several have in common. */
const files: Record<string, string> = {
  '/p/schema.json5': `{
    // Later files over earlier ones, this one over all.
    blend: ['shared/OneTable.json5', 'shared/Models.json5'],
    version: 'latest',
    description: 'Demo',
    process: {
      Broadcast: { enable: 'both', sync: 'down', show: true, mem: true },
      Reading: { enable: 'both', sync: 'up', notify: 'default', actions: true, delay: 0, metrics: [] },
      Wiring: { enable: 'device', sync: 'up' },
      Invoice: { enable: 'cloud', sync: 'down' },
    },
    models: { Reading: { value: { required: true } } },
  }`,
  '/p/shared/OneTable.json5': `{
    format: 'onetable:1.1.0',
    indexes: { primary: { hash: 'pk', sort: 'sk' } },
    params: { isoDates: true, timestamps: true, typeField: '_type', nulls: false },
  }`,
  '/p/shared/Models.json5': `{
    models: {
      Reading: {
        pk: { type: 'string', value: 'reading#' },
        sk: { type: 'string', value: 'reading#\${id}' },
        id: { type: 'string', generate: 'uid(8)', readonly: true, notes: 'shown in lists' },
        value: { type: 'number', partial: true, show: 'gauge', filter: false },
      },
      Wiring: { sk: { type: 'string', value: 'wiring#\${pin}' }, pin: { type: 'number', fixed: true } },
      Invoice: { sk: { type: 'string', value: 'invoice#' } },
    },
  }`,
};
const read = async (path: string) => files[path];
const compiled = async () => compileSchema(completeSchema(await readSchema('/p/schema.json5', read)));

const withFields = (fields: object, sync = 'both') =>
  completeSchema({
    models: {
      Thing: {
        pk: { type: 'string', value: 'thing#${accountId}' },
        sk: { type: 'string', value: 'thing#${id}' },
        accountId: { type: 'string' },
        id: { type: 'string', required: true },
        ...fields,
      },
    },
    process: { Thing: { enable: true, sync } },
  });

describe('a schema as it is in the field', () => {
  it('is put together of the files that it blends in', async () => {
    const schema = await compiled();
    expect(schema.version).toBe('latest');
    const { fields } = schema.model('Reading');
    expect(fields.get('value')).toMatchObject({ type: 'number', required: true });
    expect(fields.get('id')).toMatchObject({ readonly: true });
    expect([...schema.models.keys()]).toEqual(expect.arrayContaining(['Store', 'Command', 'Reading']));
  });

  it('syncs what both ends use, and nothing that only one does', async () => {
    const schema = await compiled();
    const syncs = ['Reading', 'Wiring', 'Invoice', 'Broadcast'].map((name) => schema.model(name).sync);
    expect(syncs).toEqual(['up', 'none', 'none', 'down']);
    expect(schema.model('Broadcast').durability).toBe('mem');
  });

  it('may have models with a sort key only', async () => {
    const world = new World();
    const db = await world.open({ schema: await compiled() });
    await db.create('Wiring', { pin: 4 });
    expect(db.get('Wiring', { pin: 4 })).toMatchObject({ pin: 4 });
    await db.close();
    expect((await world.open({ schema: await compiled() })).find('Wiring')).toHaveLength(1);
  });

  it.each([
    [{ '/p/a': "{ blend: ['b'] }", '/p/b': "{ blend: ['./a'] }" }, '/p/a blends itself in'],
    [{ '/p/a': "{ blend: ['b'] }" }, '/p/b is missing: /p/a blends it in'],
    [{}, '/p/a is missing'],
    [{ '/p/a': "{ blend: 'b' }" }, '/p/a blend must be a list'],
    [{ '/p/a': '{\n  models: {,}\n}' }, '/p/a:2:'],
    [{ '/p/a': '[]' }, '/p/a must be an object'],
  ])('%j is refused, naming the file', async (texts: Record<string, string>, message) => {
    const reading = readSchema('/p/a', async (path) => texts[path]);
    await expect(reading).rejects.toMatchObject({
      code: 'SCHEMA_INVALID',
      message: expect.stringContaining(message),
    });
  });

  it.each([
    [{ secret: { type: 'string', crypt: true } }, 'both', 'Thing.secret has the rule crypt'],
    [{ name: { type: 'string', map: 'n' } }, 'both', 'Thing.name has the rule map'],
    [{ name: { type: 'string', scope: '${id}' } }, 'both', 'Thing.name scope must be'],
    [{ sk: { type: 'string', value: 't#${nobody.knows}' } }, 'up', 'Thing.sk value names nobody.knows'],
    [{ name: { type: 'string', sync: 'up' } }, 'both', "Thing.name sync of a field must be 'none'"],
    [
      { pk: { type: 'string', value: 't#${site}' }, site: { type: 'string' } },
      'both',
      'Thing.pk of no properties',
    ],
    [
      { pk: { type: 'string', value: 't#${site}' }, site: { type: 'string' } },
      'down',
      'Thing.pk of no properties',
    ],
  ])('with %j that syncs %s is refused, and says why', (fields, sync, message) => {
    expect(() => compileSchema(withFields(fields, sync))).toThrow(
      expect.objectContaining({ code: 'SCHEMA_INVALID', message: expect.stringContaining(message) }),
    );
  });

  it.each([
    ['enable', 'maybe'],
    ['mem', 'yes'],
    ['sync', 'sideways'],
  ])('with process.Thing.%s %j is refused', (rule, value) => {
    const schema = { ...withFields({}), process: { Thing: { [rule]: value } } };
    expect(() => compileSchema(schema)).toThrow(
      expect.objectContaining({ message: expect.stringContaining(`process.Thing.${rule}`) }),
    );
  });

  it('may key what only goes up by a property of its own', () => {
    const fields = { pk: { type: 'string', value: 't#${site}' }, site: { type: 'string' } };
    expect(compileSchema(withFields(fields, 'up')).model('Thing').syncsUp).toBe(true);
  });
});

describe('a field that never leaves the device', () => {
  it.each([[{ discard: true }], [{ sync: 'none' }]])(
    'by %j stays out of what is sent, and outlasts what comes',
    async (rule) => {
      const schema = compileSchema(
        withFields({ pin: { type: 'string', ...rule }, name: { type: 'string' } }),
      );
      const db = await new World().open({ schema });
      await db.create('Thing', { id: 'a', pin: '1234', name: 'x' });
      const [entry] = db.outbox.pending(1);
      expect(entry?.item).toMatchObject({ name: 'x' });
      expect(entry?.item).not.toHaveProperty('pin');
      const incoming = {
        _type: 'Thing',
        sk: 'thing#a',
        name: 'y',
        pin: 'theirs',
        updated: '2099-01-01T00:00:00.000Z',
      };
      await db.apply({ cmd: 'upsert', item: incoming });
      expect(db.get('Thing', { id: 'a' })).toMatchObject({ name: 'y', pin: '1234' });
    },
  );
});

describe('a unique field with a scope', () => {
  it('may have a value once in each', async () => {
    const name = { type: 'string', unique: true, scope: '${room}' };
    const schema = compileSchema(withFields({ name, room: { type: 'string' } }));
    const db = await new World().open({ schema });
    await db.create('Thing', { id: '1', name: 'lamp', room: 'hall' });
    await db.create('Thing', { id: '2', name: 'lamp', room: 'attic' });
    await expect(db.create('Thing', { id: '3', name: 'lamp', room: 'hall' })).rejects.toMatchObject({
      code: 'UNIQUE_TAKEN',
    });
  });
});

describe('the same file at both ends', () => {
  it('leaves the core models as the contract has them, with timestamps whatever it says of others', () => {
    const schema = compileSchema(completeSchema({ params: { nulls: true } }));
    const context = { accountId: ACCOUNT, deviceId: DEVICE };
    const core = compileSchema(coreSchema);
    expect(schema.timestamps).toEqual(core.timestamps);
    expect(schema.model('Store').keyOf({ key: 'k' }, context)).toEqual(
      core.model('Store').keyOf({ key: 'k' }, context),
    );
  });
});
