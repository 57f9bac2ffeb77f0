import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VersionRow } from './version-row.ts';

const step = fc.record({ version: fc.nat(150), comes: fc.boolean() });

describe('a row of versions', () => {
  it('has what was put in and not taken out, in order, whatever came when', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 600 }), (steps) => {
        const row = new VersionRow<{ version: number }>();
        const expected = new Set<number>();
        for (const { version, comes } of steps) {
          if (comes) row.put({ version });
          else row.remove(version);
          if (comes) expected.add(version);
          else expected.delete(version);
          expect(row.size).toBe(expected.size);
          expect(row.values().next().value?.version).toBe(
            expected.size === 0 ? undefined : Math.min(...expected),
          );
        }
        expect([...row.values()].map(({ version }) => version)).toEqual([...expected].sort((a, b) => a - b));
      }),
      { numRuns: 50 },
    );
  });
});
