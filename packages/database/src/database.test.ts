import { describe, expect, it } from 'vitest';
import { ACCOUNT, DEVICE, World } from './database.fixture.ts';
import { LOSE_ALL } from './journal/simulated-disk.fixture.ts';

describe('items', () => {
  it('are created with type, context, defaults, generated ID and timestamps', async () => {
    const world = new World();
    const db = await world.open();
    const sensor = await db.create('Sensor', {
      site: 'roof',
      reading: '21.5',
      on: 'true',
      seen: 0,
      nonsense: 1,
    });
    const time = new Date(world.clock.now()).toISOString();
    expect(sensor).toEqual({
      _type: 'Sensor',
      accountId: ACCOUNT,
      site: 'roof',
      id: expect.stringMatching(/^[0-9A-Z]{26}$/),
      unit: 'C',
      reading: 21.5,
      on: true,
      seen: '1970-01-01T00:00:00.000Z',
      label: 'roof/C',
      created: time,
      updated: time,
    });
  });

  it('are frozen through and through, and do not change with what they were made of', async () => {
    const db = await new World().open();
    const settings = { led: { on: true } };
    const sensor = await db.create<{ settings: typeof settings }>('Sensor', { site: 'a', id: '1', settings });
    settings.led.on = false;
    expect(sensor.settings.led.on).toBe(true);
    expect(Object.isFrozen(sensor.settings.led)).toBe(true);
    expect(Object.isFrozen(sensor)).toBe(true);
  });

  it('are read back by key, at once and after a restart', async () => {
    const world = new World();
    const db = await world.open();
    const created = await db.create('Store', { key: 'counter', value: 42, type: 'number' });
    expect(db.get('Store', { key: 'counter' })).toBe(created);
    expect(created.value).toBe('42');
    await db.close();
    expect((await world.open()).get('Store', { key: 'counter' })).toEqual(created);
  });

  it('cannot be created twice, unless one is to replace the other', async () => {
    const db = await new World().open();
    await db.create('Store', { key: 'a', value: '1' });
    await expect(db.create('Store', { key: 'a' })).rejects.toMatchObject({ code: 'ITEM_EXISTS' });
    await expect(db.create('Store', { key: 'a', value: '2' }, { replace: true })).resolves.toMatchObject({
      value: '2',
    });
  });

  it('are updated in part, null takes a property away, and updated always grows', async () => {
    const db = await new World().open();
    const first = await db.create('Sensor', { site: 'a', id: '1', reading: 1, on: true });
    const second = await db.update('Sensor', { site: 'a', id: '1', reading: null, unit: 'F' });
    expect(second).toMatchObject({ unit: 'F', on: true, label: 'a/F', created: first.created });
    expect(second).not.toHaveProperty('reading');
    expect(String(second.updated) > String(first.updated)).toBe(true);
  });

  it('must be there to be updated, unless an upsert is meant', async () => {
    const db = await new World().open();
    await expect(db.update('Store', { key: 'a' })).rejects.toMatchObject({ code: 'ITEM_MISSING' });
    await db.update('Store', { key: 'a', value: '1' }, { upsert: true });
    await db.upsert('Store', { key: 'a', value: '2' });
    await db.upsert('Store', { key: 'b', value: '3' });
    expect(db.find('Store').map(({ value }) => value)).toEqual(['2', '3']);
  });

  it('are removed, and what was removed is told', async () => {
    const db = await new World().open();
    await db.create('Store', { key: 'a', value: '1' });
    expect(await db.remove('Store', { key: 'a' })).toMatchObject({ value: '1' });
    expect(await db.remove('Store', { key: 'a' })).toBeUndefined();
    expect(db.get('Store', { key: 'a' })).toBeUndefined();
  });

  it('have fields that are read and set by path', async () => {
    const db = await new World().open();
    await db.create('Sensor', { site: 'a', id: '1', settings: { led: { on: true, colour: 'red' } } });
    await db.setField('Sensor', { site: 'a', id: '1' }, 'settings.led.on', false);
    await db.setField('Sensor', { site: 'a', id: '1' }, 'settings.fan.speed', 3);
    await db.setField('Sensor', { site: 'a', id: '1' }, 'settings.led.colour', null);
    expect(db.getField('Sensor', { site: 'a', id: '1' }, 'settings')).toEqual({
      led: { on: false },
      fan: { speed: 3 },
    });
    expect(db.getField('Sensor', { site: 'a', id: '1' }, 'settings.fan.speed')).toBe(3);
    expect(db.getField('Sensor', { site: 'a', id: '2' }, 'settings')).toBeUndefined();
  });

  it('hide hidden fields unless they are asked for', async () => {
    const db = await new World().open();
    const created = await db.create('Sensor', { site: 'a', id: '1', secret: 'x' });
    expect(created).not.toHaveProperty('secret');
    expect(db.get('Sensor', { site: 'a', id: '1' }, { hidden: true })).toMatchObject({
      secret: 'x',
      pk: `sensor#${ACCOUNT}`,
      sk: 'sensor#a#1',
    });
  });

  it.each([
    ['Sensor', {}, 'FIELD_REQUIRED'],
    ['Sensor', { site: 'a', unit: 'K' }, 'FIELD_INVALID'],
    ['Sensor', { site: 'a', reading: 'warm' }, 'FIELD_INVALID'],
    ['Sensor', { site: 'a', on: 'maybe' }, 'FIELD_INVALID'],
    ['Sensor', { site: 'a', seen: 'yesterday' }, 'FIELD_INVALID'],
    ['Sensor', { site: 'a', settings: [] }, 'FIELD_INVALID'],
    ['Sensor', { site: 'a', settings: JSON.parse('{"__proto__":{"x":1}}') }, 'FIELD_INVALID'],
    ['Sensor', { site: 'a', history: { 0: 1 } }, 'FIELD_INVALID'],
    ['Sensor', { site: 'a#b', id: '1' }, 'KEY_INVALID'],
    ['Store', { key: 'a\0b' }, 'KEY_INVALID'],
    ['Store', { key: 'k'.repeat(2000) }, 'KEY_INVALID'],
    ['Store', { key: 'k', value: 'v'.repeat(500_000) }, 'ITEM_TOO_LARGE'],
    ['Nothing', {}, 'MODEL_UNKNOWN'],
  ])('refuse %s %o with %s', async (model, properties, code) => {
    const db = await new World().open();
    await expect(db.create(model, properties)).rejects.toMatchObject({ code });
    expect(db.stats.items).toBe(0);
  });

  it('are not written once the database is closed', async () => {
    const db = await new World().open();
    await db.close();
    await db.close();
    await expect(db.create('Store', { key: 'a' })).rejects.toMatchObject({ code: 'DATABASE_CLOSED' });
  });
});

describe('find', () => {
  async function filled() {
    const db = await new World().open();
    for (const site of ['a', 'b']) {
      for (let id = 0; id < 5; id += 1) await db.create('Sensor', { site, id: `${id}`, reading: id % 2 });
    }
    await db.create('Store', { key: 'other' });
    return db;
  }

  it('narrows by the beginning of a sort key and filters by the rest', async () => {
    const db = await filled();
    expect(db.find('Sensor')).toHaveLength(10);
    expect(db.find('Sensor', { site: 'b' }).map(({ id }) => id)).toEqual(['0', '1', '2', '3', '4']);
    expect(db.find('Sensor', { site: 'b', reading: '1' }).map(({ id }) => id)).toEqual(['1', '3']);
    expect(db.find('Sensor', { site: 'b', id: '3' })).toHaveLength(1);
    expect(db.find('Sensor', {}, { where: ({ id }) => id === '4' })).toHaveLength(2);
    expect(() => db.find('Sensor', { sight: 'b' })).toThrow(
      expect.objectContaining({ code: 'FIELD_INVALID' }),
    );
  });

  it.each([[false], [true]])('pages through everything once, reverse %s', async (reverse) => {
    const db = await filled();
    const seen: string[] = [];
    let next: string | undefined;
    do {
      const page = db.find('Sensor', {}, { limit: 3, next, reverse });
      expect(page.length).toBeLessThanOrEqual(3);
      seen.push(...page.map(({ site, id }) => `${site}${id}`));
      next = page.next;
    } while (next);
    const all = db.find('Sensor').map(({ site, id }) => `${site}${id}`);
    expect(seen).toEqual(reverse ? all.reverse() : all);
    expect(() => db.find('Sensor', {}, { next: 'made up' })).toThrow(
      expect.objectContaining({ code: 'CURSOR_INVALID' }),
    );
  });
});

describe('the change feed', () => {
  it('tells changes in order, with what was before, once they are durable', async () => {
    const db = await new World().open();
    const told: unknown[] = [];
    db.onChange(({ cmd, model, sk, item, previous }) => {
      told.push([cmd, model, sk, item.value, previous?.value]);
    });
    const writes = [
      db.create('Store', { key: 'a', value: '1' }),
      db.update('Store', { key: 'a', value: '2' }),
      db.remove('Store', { key: 'a' }),
    ];
    expect(told).toEqual([]);
    await Promise.all(writes);
    expect(told).toEqual([
      ['create', 'Store', 's#a', '1', undefined],
      ['update', 'Store', 's#a', '2', '1'],
      ['remove', 'Store', 's#a', '2', '2'],
    ]);
  });

  it('goes on when a listener throws', async () => {
    const db = await new World().open();
    const seen: number[] = [];
    db.onChange(() => {
      throw new Error('listener');
    });
    const off = db.onChange(({ seq }) => seen.push(seq));
    await db.create('Store', { key: 'a' });
    off();
    await db.create('Store', { key: 'b' });
    expect(seen).toHaveLength(1);
  });
});

describe('durability', () => {
  it('each: a resolved write is on disk without a clean end', async () => {
    const world = new World();
    const db = await world.open();
    await db.create('Store', { key: 'a' });
    world.disk = world.disk.crash(LOSE_ALL);
    expect((await world.open()).get('Store', { key: 'a' })).toBeDefined();
  });

  it('lazy: a write is on disk a bounded time later', async () => {
    const world = new World();
    const db = await world.open({ maxJournalAge: 1000 });
    await db.create('Note', { id: '1' });
    expect(
      (await world.open({ files: world.disk.crash(LOSE_ALL) })).get('Note', { id: '1' }),
    ).toBeUndefined();
    await world.clock.advance(1000);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect((await world.open({ files: world.disk.crash(LOSE_ALL) })).get('Note', { id: '1' })).toBeDefined();
    await db.create('Note', { id: '2' });
    await db.close();
    expect((await world.open()).get('Note', { id: '2' })).toBeDefined();
  });

  it('mem: a write never touches the disk', async () => {
    const world = new World();
    const db = await world.open();
    const before = world.disk.operations;
    await db.create('Broadcast', { key: 'a', value: '1' });
    expect(db.get('Broadcast', { key: 'a' })).toBeDefined();
    expect(world.disk.operations).toBe(before);
    await db.compact();
    await db.close();
    expect((await world.open()).get('Broadcast', { key: 'a' })).toBeUndefined();
  });

  it('commits the writes of one turn together', async () => {
    const db = await new World().open();
    await db.create('Store', { key: 'first' });
    const before = db.stats.commits;
    await Promise.all(Array.from({ length: 100 }, (_, at) => db.create('Store', { key: `k${at}` })));
    expect(db.stats.commits).toBe(before + 1);
  });
});

describe('applying an item of the cloud', () => {
  it('keeps its own time and fields, under this device', async () => {
    const db = await new World().open();
    const updated = '2030-01-01T00:00:00.000Z';
    const origins: unknown[] = [];
    db.onChange(({ origin }) => origins.push(origin));
    await db.apply({
      cmd: 'upsert',
      item: {
        _type: 'Command',
        sk: `command#${ACCOUNT}#${DEVICE}#X1`,
        pk: 'elsewhere',
        command: 'reboot',
        updated,
      },
    });
    expect(db.get('Command', { id: 'X1' })).toEqual({
      _type: 'Command',
      accountId: ACCOUNT,
      deviceId: DEVICE,
      id: 'X1',
      command: 'reboot',
      updated,
    });
    expect(origins).toEqual(['cloud']);
  });

  it('takes the place of what waited to go up for it', async () => {
    const db = await new World().open();
    await db.create('Store', { key: 'a', value: 'ours' });
    await db.apply({
      cmd: 'update',
      item: { _type: 'Store', key: 'a', value: 'theirs', updated: '2030-01-01T00:00:00Z' },
    });
    expect(db.outbox.size).toBe(0);
    expect(db.get('Store', { key: 'a' })).toMatchObject({ value: 'theirs' });
    await db.update('Store', { key: 'a', value: 'ours again' });
    expect(String(db.get('Store', { key: 'a' })?.updated) > '2030').toBe(true);
  });

  it('removes by sort key alone, and removing twice does no harm', async () => {
    const db = await new World().open();
    await db.create('Store', { key: 'a' });
    await db.apply({ cmd: 'remove', item: { _type: 'Store', sk: 's#a' } });
    await db.apply({ cmd: 'remove', item: { _type: 'Store', sk: 's#a' } });
    expect(db.find('Store')).toEqual([]);
    expect(db.outbox.size).toBe(0);
  });

  it('refuses a model that the schema does not have', async () => {
    const db = await new World().open();
    await expect(db.apply({ cmd: 'upsert', item: { sk: 'x' } })).rejects.toMatchObject({
      code: 'MODEL_UNKNOWN',
    });
  });
});
