import { describe, expect, it } from 'vitest';
import { Printer, tableOf } from './print.ts';

const ITEM = { accountId: 'A1', deviceId: 'D1', key: 'level', value: 7, created: 'then', _type: 'Store' };

describe('a table of items', () => {
  it('has numbers to the right, and last what is the same for all items', () => {
    const { lines } = tableOf([ITEM, { ...ITEM, key: 'x', value: 1200 }]);
    expect(lines).toEqual([
      'key    value  created  deviceId  accountId',
      'level      7  then     D1        A1',
      'x       1200  then     D1        A1',
    ]);
  });

  it('names the columns that a narrow terminal has no room for', () => {
    const { lines, without } = tableOf([ITEM], 21);
    expect(lines[0]).toBe('key    value  created');
    expect(without).toEqual(['deviceId', 'accountId']);
  });

  it('cuts a long value, and nothing moves the cursor', () => {
    expect(tableOf([{ text: `\u001b[2J${'x'.repeat(60)}` }]).lines[1]).toBe(`?[2J${'x'.repeat(35)}…`);
  });

  it('gives the cursor of the next page as one word of a shell', async () => {
    const written: string[] = [];
    const output = { write: (text: string) => written.push(text) > 0, once: () => undefined };
    async function* rows() {
      yield { item: ITEM };
      yield { next: "it's" };
    }
    await new Printer(output, false).print('find', rows());
    expect(written.join('')).toContain("there are more: --next 'it'\\''s'\n");
  });
});
