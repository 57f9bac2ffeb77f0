import { coreSchema } from '@ioto/protocol';
import { describe, expect, it } from 'vitest';
import { compileSchema } from './compile.ts';

const withModel = (field: Record<string, unknown>) => ({
  format: 'onetable:1.1.0',
  indexes: { primary: { hash: 'pk', sort: 'sk' } },
  models: {
    Thing: { pk: { type: 'string', value: 'thing#' }, sk: { type: 'string', value: 't#${id}' }, id: field },
  },
});

describe('compiling a schema', () => {
  it('takes the core schema, with keys as the contract says', () => {
    const schema = compileSchema(coreSchema);
    const context = { accountId: 'ACC', deviceId: 'DEV' };
    expect(schema.model('Store').keyOf({ key: 'counter' }, context)).toEqual({
      pk: 's#ACC#DEV',
      sk: 's#counter',
    });
    expect(schema.model('Device').keyOf({ id: 'DEV' }, context)).toEqual({ pk: 'd#ACC', sk: 'd#DEV' });
    expect(schema.model('Command').keyOf({ id: 'X' }, context)).toEqual({
      pk: 'command#',
      sk: 'command#ACC#DEV#X',
    });
    expect(schema.model('SyncState').keyOf({})).toEqual({ pk: 'state#', sk: 'state#' });
    expect(schema.model('Store').syncsUp).toBe(true);
    expect(schema.model('Command').syncsUp).toBe(false);
    expect(schema.model('Broadcast').durability).toBe('mem');
  });

  it('files an item under the context, whatever account its properties name', () => {
    const store = compileSchema(coreSchema).model('Store');
    const key = store.keyOf({ key: 'k', accountId: 'OTHER' }, { accountId: 'ACC', deviceId: 'DEV' });
    expect(key.pk).toBe('s#ACC#DEV');
  });

  it('names the property that a key lacks', () => {
    const store = compileSchema(coreSchema).model('Store');
    expect(() => store.keyOf({}, { accountId: 'ACC', deviceId: 'DEV' })).toThrow(
      expect.objectContaining({ code: 'KEY_INCOMPLETE', details: { model: 'Store', field: 'key' } }),
    );
  });

  it('reads the older name control for process', () => {
    const schema = compileSchema({
      ...withModel({ type: 'string' }),
      params: { timestamps: true, isoDates: true },
      control: { Thing: { enable: true, sync: 'both' } },
    });
    expect(schema.model('Thing').sync).toBe('both');
  });

  it.each([
    [{ isoDates: true }, 'params.timestamps'],
    [{ timestamps: 'create', isoDates: true }, 'params.timestamps'],
    [{ timestamps: true, updatedField: 'changed', isoDates: true }, 'updatedField'],
    [{ timestamps: true }, 'Thing.updated as a date with isoDates'],
    [{ timestamps: true, isoDates: true, typeField: 'kind' }, 'params.typeField'],
  ])('refuses to sync with %j: both ends choose by updated', (params, needs) => {
    const schema = { ...withModel({ type: 'string' }), params };
    expect(() => compileSchema(schema)).not.toThrow();
    expect(() => compileSchema({ ...schema, process: { Thing: { enable: true, sync: 'up' } } })).toThrow(
      expect.objectContaining({ code: 'SCHEMA_INVALID', message: expect.stringContaining(needs) }),
    );
  });

  it.each([
    [{ type: 'text' }, 'Thing.id', 'type must be one of'],
    [{ type: 'string', requird: true }, 'Thing.id', 'unsupported rule requird'],
    [{ type: 'string', enum: 'a' }, 'Thing.id', 'enum must be a list'],
    [{ type: 'string', generate: 'serial' }, 'Thing.id', 'generate must be'],
    [{ type: 'string', validate: '(' }, 'Thing.id', 'validate must be'],
    [{ type: 'string', required: 'yes' }, 'Thing.id', 'required must be true or false'],
    [{ type: 'number', default: 'many' }, 'Thing.id', 'default must be a number'],
    [{ type: 'string', enum: ['a'], default: 'b' }, 'Thing.id', 'default must be one of a'],
    [{ type: 'string', encode: ['other', '#', 1] }, 'Thing.id', 'encode names other'],
    [{ type: 'object', schema: { inner: { type: 'no' } } }, 'Thing.id.inner', 'type must be one of'],
    ['string', 'Thing.id', 'must be an object of rules'],
  ])('refuses the field %j and names model, field and rule', (field, where, rule) => {
    expect(() => compileSchema(withModel(field as Record<string, unknown>))).toThrow(
      expect.objectContaining({
        code: 'SCHEMA_INVALID',
        message: expect.stringMatching(new RegExp(`${where} .*${rule}`)),
      }),
    );
  });

  it.each([
    [undefined],
    [{ format: 'onetable:2.0.0' }],
    [{ format: 'onetable:1.1.0', models: {} }],
    [{ ...withModel({ type: 'string' }), process: { Thing: { sync: 'sideways' } } }],
    [{ ...withModel({ type: 'string' }), process: { Absent: { sync: 'up' } } }],
    [{ ...withModel({ type: 'string' }), params: { timestamps: 'often' } }],
  ])('refuses what is no schema: %j', (schema) => {
    expect(() => compileSchema(schema)).toThrow(expect.objectContaining({ code: 'SCHEMA_INVALID' }));
  });

  it('says which models there are when one is unknown', () => {
    expect(() => compileSchema(coreSchema).model('Shop')).toThrow(
      expect.objectContaining({ code: 'MODEL_UNKNOWN' }),
    );
  });
});
