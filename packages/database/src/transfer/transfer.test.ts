import { describe, expect, it } from 'vitest';
import { World } from '../database.fixture.ts';

describe('export and import', () => {
  it('bring items from one database into another', async () => {
    const db = await new World().open();
    await db.create('Sensor', { site: 'a', id: '1', reading: 2.5, settings: { on: true }, secret: 'x' });
    await db.create('Store', { key: 'k', value: 'v' });
    const text = db.exportItems({ hidden: true });
    const other = await new World().open();
    expect(await other.importItems(text)).toBe(2);
    expect(other.exportItems({ hidden: true })).toBe(text);
    expect(other.outbox.size).toBe(2);
    expect(db.exportItems()).not.toContain('secret');
    expect(JSON.parse(db.exportItems({ models: ['Store'] }))).toMatchObject([{ _type: 'Store', key: 'k' }]);
    expect(await (await new World().open()).exportItems()).toBe('[]\n');
  });

  it('read JSON5 as people write it, all or nothing', async () => {
    const db = await new World().open();
    const text = "[\n // kept\n {_type: 'Store', key: 'a', value: '1',},\n {_type: 'Store', key: 'b'}]";
    expect(await db.importItems(text)).toBe(2);
    await expect(db.importItems(text)).rejects.toMatchObject({ code: 'ITEM_EXISTS' });
    expect(await db.importItems(text, { replace: true })).toBe(2);
    const bad = "[{_type: 'Store', key: 'c'}, {_type: 'Nothing'}]";
    await expect(db.importItems(bad)).rejects.toMatchObject({ code: 'MODEL_UNKNOWN' });
    expect(db.find('Store').map(({ key }) => key)).toEqual(['a', 'b']);
  });

  it.each(['{', '[1]', '{}\n[1]', '{a: 1}'])('refuse %j', async (text) => {
    const db = await new World().open();
    await expect(db.importItems(text)).rejects.toMatchObject({ code: 'IMPORT_INVALID' });
  });
});
