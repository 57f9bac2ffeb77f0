import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Batch, LONGEST_EVENT, MOST_BYTES } from './batch.ts';

const LIMITS = { maxEvents: 10_000, maxSize: MOST_BYTES };

interface Body {
  logGroupName: string;
  logEvents: { timestamp: number; message: string }[];
}

function begun(limits = LIMITS, until = Number.POSITIVE_INFINITY): Batch {
  const batch = new Batch();
  batch.begin({ group: 'g"', stream: 's' }, limits, until);
  return batch;
}

function bodyOf(batch: Batch): Body {
  return JSON.parse(Buffer.from(batch.body()).toString('utf8')) as Body;
}

function add(batch: Batch, bytes: Uint8Array, time = 5): boolean {
  return batch.add(time, bytes, 0, bytes.length);
}

describe('a batch of events', () => {
  it('is the JSON of what its bytes say, whatever they are', () => {
    const batch = new Batch();
    const bytes = fc.oneof(fc.uint8Array({ minLength: 1 }), fc.string({ minLength: 1 }).map(Buffer.from));
    fc.assert(
      fc.property(fc.array(bytes, { minLength: 1, maxLength: 5 }), (messages) => {
        batch.begin({ group: 'g"', stream: 's' }, LIMITS, Number.POSITIVE_INFINITY);
        for (const message of messages) expect(add(batch, message)).toBe(true);
        const expected = messages.map((message) =>
          new TextDecoder('utf-8', { ignoreBOM: true }).decode(message).replaceAll('\0', '\ufffd'),
        );
        const { logGroupName, logEvents } = bodyOf(batch);
        expect(logGroupName).toBe('g"');
        expect(logEvents.map(({ message }) => message)).toEqual(expected);
        const counted = expected.reduce((sum, message) => sum + Buffer.byteLength(message) + 26, 0);
        expect([batch.count, batch.bytes]).toEqual([messages.length, counted]);
      }),
    );
  });

  it.each([
    ['plain', 'x'],
    ['controls, which take six bytes each', '\u0001'],
    ['NULs', '\0'],
    ['what is no UTF-8', '\xff'],
    ['long characters', '€'],
  ])('cuts a message of %s to what the cloud takes, and says so', (_what, letter) => {
    const bytes = Buffer.from(letter.repeat(LONGEST_EVENT), letter === '\xff' ? 'latin1' : 'utf8');
    const batch = begun();
    expect(add(batch, bytes)).toBe(true);
    const [event] = bodyOf(batch).logEvents;
    const message = event?.message ?? '';
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(262_144 - 26);
    if (letter !== 'x' && letter !== '\u0001') expect(message).toMatch(/^(.)\1+ …\[cut \d+ bytes\]$/u);
  });

  it('has no room beyond its limits, in bytes, number and time', () => {
    const few = begun({ maxEvents: 2, maxSize: MOST_BYTES });
    expect([add(few, Buffer.from('a')), add(few, Buffer.from('b')), add(few, Buffer.from('c'))]).toEqual([
      true,
      true,
      false,
    ]);
    const small = begun({ maxEvents: 10, maxSize: 100 });
    expect([add(small, Buffer.alloc(60, 'a')), add(small, Buffer.alloc(60, 'b'))]).toEqual([true, false]);
    const dated = begun(LIMITS, 1000);
    expect([add(dated, Buffer.from('a'), 999), add(dated, Buffer.from('b'), 1000)]).toEqual([true, false]);
    const day = begun();
    expect([add(day, Buffer.from('a'), 0), add(day, Buffer.from('b'), 86_400_000)]).toEqual([true, false]);
    expect(bodyOf(day).logEvents).toEqual([{ timestamp: 0, message: 'a' }]);
  });

  it('keeps its order when a clock was set back, and leaves out what is empty', () => {
    const batch = begun();
    add(batch, Buffer.from('a'), 10);
    add(batch, Buffer.alloc(0), 11);
    add(batch, Buffer.from('b'), 5);
    expect(bodyOf(batch).logEvents.map(({ timestamp }) => timestamp)).toEqual([10, 10]);
  });
});
