import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lineRuleOf } from './line-rule.ts';
import { scanEvents } from './scan.ts';

const RULE = lineRuleOf({ lines: true, continuation: ' ', where: 'x' });

function eventsOf(text: string): string[] {
  return text
    .split('\n')
    .reduce<string[]>((events, line) => {
      if (line.startsWith(' ') && events.length > 0) events.push(`${events.pop()}\n${line}`);
      else events.push(line);
      return events;
    }, [])
    .filter((event, index, all) => event !== '' || index < all.length - 1);
}

describe('looking for events', () => {
  it('finds the same, in whatever pieces the bytes come', () => {
    const letters = fc.constantFrom('a', 'b', ' ', '\n');
    const text = fc.string({ unit: letters, maxLength: 40 });
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 7 }), (whole, step) => {
        const found: string[] = [];
        const window = Buffer.alloc(64);
        let length = 0;
        for (let at = 0; at < whole.length; at += step) {
          length += window.write(whole.slice(at, at + step), length);
          const take = (start: number, end: number) => {
            found.push(window.toString('latin1', start, end));
            return true;
          };
          const { at: taken } = scanEvents(window, length, RULE, at + step >= whole.length, take);
          window.copy(window, 0, taken, length);
          length -= taken;
        }
        expect(length).toBe(0);
        expect(found).toEqual(eventsOf(whole));
      }),
    );
  });
});
