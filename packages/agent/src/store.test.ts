import { serviceTopic } from '@ioto/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromText, openStore, type StoreValue, toText } from './store.ts';

describe('a Store value', () => {
  it('comes back from its text as what it was', () => {
    const date = fc.date({ noInvalidDate: true });
    const values = fc.oneof(
      fc.string(),
      fc.boolean(),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
      date,
      fc.array(fc.string()),
      fc.dictionary(fc.string(), fc.integer()).filter((object) => !Object.hasOwn(object, '__proto__')),
    );
    fc.assert(
      fc.property(values, (value) => {
        const { value: text, type } = toText(value);
        expect(JSON.stringify(fromText(text, type))).toBe(JSON.stringify(value));
      }),
    );
  });

  it('that text cannot hold is refused', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, new Date(Number.NaN), null, undefined]) {
      expect(() => toText(value as StoreValue)).toThrow(expect.objectContaining({ code: 'STORE_VALUE' }));
    }
  });

  it('whose text does not fit its type stays text', () => {
    expect(fromText('many', 'number')).toBe('many');
    expect(fromText('{', 'object')).toBe('{');
    expect(fromText('someday', 'date')).toBe('someday');
  });
});

/** A Store without a database, and a cloud, of ours or not, that keeps what it is told and answers as the test says. */
function remote(answer: (body: { key: string; typed: string }) => string = () => '', isOurs = true) {
  const sent: { topic: string; payload: unknown }[] = [];
  const asked: unknown[] = [];
  const store = openStore({
    database: () => undefined,
    cloud: () => ({
      id: 'D1',
      isOurs,
      maxBytes: 1000,
      ask: async (_request, body) => {
        asked.push(body);
        return answer(body as { key: string; typed: string });
      },
      publish: async (topic, payload) => void sent.push({ topic, payload: JSON.parse(payload) }),
    }),
  });
  return { store, sent, asked };
}

describe('the Store of a device without a database', () => {
  it('tells the cloud a value with its type, and a removal as a database would', async () => {
    const { store, sent } = remote();
    await store.set('level', 7.5);
    await store.remove('level');
    expect(sent).toEqual([
      { topic: serviceTopic.storeSet('D1'), payload: { key: 'level', value: '7.5', type: 'number' } },
      {
        topic: serviceTopic.syncUp('D1'),
        payload: {
          seq: 0,
          changes: [{ cmd: 'remove', key: 's#level', item: { _type: 'Store', sk: 's#level', key: 'level' } }],
        },
      },
    ]);
  });

  it('gets a value in its type from a cloud that tells it', async () => {
    const value = new Date(0);
    const { store } = remote(({ typed }) => JSON.stringify({ typed, ...toText(value) }));
    expect(await store.fetch('since')).toEqual(value);
    const { store: empty } = remote(({ typed }) => JSON.stringify({ typed }));
    expect(await empty.fetch('since')).toBeUndefined();
    const { store: text } = remote(({ typed }) => JSON.stringify({ typed, value: '', type: 'string' }));
    expect(await text.fetch('since')).toBe('');
  });

  it('reads the bare text of any other cloud as what it looks like', async () => {
    const read = (text: string) => remote(() => text).store.fetch('a');
    expect(await read('')).toBeUndefined();
    expect(await read('true')).toBe(true);
    expect(await read('-7.5e3')).toBe(-7500);
    expect(await read('007')).toBe('007');
    expect(await read('{"a":[1]}')).toEqual({ a: [1] });
    expect(await read('{"typed":"other","value":"1"}')).toEqual({ typed: 'other', value: '1' });
    expect(await read('[door]')).toBe('[door]');
    expect(await read('warm')).toBe('warm');
  });

  it('asks another cloud nothing but what the contract has', async () => {
    const { store, asked } = remote(() => '7.5', false);
    expect(await store.fetch('level')).toBe(7.5);
    expect(asked).toEqual([{ key: 'level' }]);
  });

  it('is refused what no cloud can keep, and what only a database answers, before anything is sent', async () => {
    const { store, sent } = remote();
    const key = expect.objectContaining({ code: 'STORE_KEY' });
    await expect(store.set('', 1)).rejects.toEqual(key);
    await expect(store.set('x'.repeat(1001), 1)).rejects.toEqual(key);
    await expect(store.set('\ud800', 1)).rejects.toEqual(key);
    await expect(store.fetch(undefined as unknown as string)).rejects.toEqual(key);
    const value = expect.objectContaining({ code: 'STORE_VALUE' });
    await expect(store.set('a', 'x'.repeat(1000))).rejects.toEqual(value);
    const round: unknown[] = [];
    round.push(round);
    await expect(store.set('a', round)).rejects.toEqual(value);
    expect(() => store.get('a')).toThrow(expect.objectContaining({ code: 'SERVICE_OFF' }));
    expect(sent).toEqual([]);
  });
});
