import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalItem } from './canonical.ts';
import { onUp } from './cloud-end.ts';
import { onDown } from './device-end.ts';
import { tableDigest } from './digest.ts';
import { compareTimes, compareVersions, nextTime, type Version } from './version.ts';

const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1) + seconds * 1000).toISOString();
const version = (seconds: number, content = 'x', removed = false): Version => {
  return { updated: at(seconds), content: () => content, removed };
};
const NOW = Date.UTC(2026, 0, 1);
const FAR = '2099-01-01T00:00:00.000Z';

describe('of two versions', () => {
  const versions = fc
    .tuple(fc.nat(2), fc.constantFrom('a', 'b'), fc.boolean())
    .map(([seconds, content, removed]) => version(seconds, content, removed));

  it('one is newer, whoever asks, and in a row of three too', () => {
    fc.assert(
      fc.property(versions, versions, versions, (a, b, c) => {
        expect(Math.sign(compareVersions(a, b))).toBe(-Math.sign(compareVersions(b, a)) || 0);
        if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0) {
          expect(compareVersions(a, c)).toBeLessThanOrEqual(0);
        }
      }),
    );
  });

  it('the later wins, then the item against its removal, then the larger content', () => {
    expect(compareVersions(version(2, 'a'), version(1, 'b'))).toBeGreaterThan(0);
    expect(compareVersions(version(1), version(1, '', true))).toBeGreaterThan(0);
    expect(compareVersions(version(2, '', true), version(1))).toBeGreaterThan(0);
    expect(compareVersions(version(1, 'a'), version(1, 'b'))).toBeLessThan(0);
    expect(compareVersions(version(1, '', true), version(1, 'x', true))).toBe(0);
  });

  it('times are compared as times where their texts differ in form', () => {
    expect(compareTimes('2026-01-01T00:00:00Z', '2026-01-01T00:00:00.000Z')).toBe(0);
    expect(compareTimes('+010000-01-01T00:00:00.000Z', FAR)).toBe(1);
    expect(compareTimes('yesterday', '1970-01-01T00:00:00.000Z')).toBe(-1);
    expect(compareTimes('yesterday', 'tomorrow')).toBe(0);
  });
});

describe('the time of a new version', () => {
  it('is now, or just later than all that its maker has seen', () => {
    expect(nextTime(NOW)).toBe(NOW);
    expect(nextTime(NOW, at(-1), undefined, 'never', {})).toBe(NOW);
    expect(nextTime(NOW, at(0))).toBe(NOW + 1);
    expect(nextTime(NOW, at(5), at(7), NOW + 6000)).toBe(NOW + 7001);
    expect(() => new Date(nextTime(NOW, 8.64e15)).toISOString()).not.toThrow();
  });
});

describe('canonical text', () => {
  it('is the same for the same values, in whatever order they are held', () => {
    const one = { b: [1, { y: 'é', x: null }], a: { d: true, c: undefined }, gone: null, other: 1 };
    const same = { a: { d: true }, b: [1, { x: null, y: 'é' }], other: 2 };
    const names = ['a', 'b', 'gone', 'missing'];
    expect(canonicalItem(one, names)).toBe(canonicalItem(same, names));
    expect(canonicalItem(one, names)).toBe('{"a":{"d":true},"b":[1,{"x":null,"y":"é"}]}');
    expect(canonicalItem({ a: ['1,2'] }, ['a'])).not.toBe(canonicalItem({ a: ['1', '2'] }, ['a']));
  });

  it('makes a digest that tells any difference, and no order', () => {
    const [a, b] = [['a', version(1)] as const, ['b', version(2)] as const];
    expect(tableDigest([a, b])).toBe(tableDigest([b, a]));
    expect(tableDigest([a])).not.toBe(tableDigest([['a', version(2)]]));
    expect(tableDigest([a])).not.toBe(tableDigest([['a', version(1, 'y')]]));
    expect(tableDigest([a])).not.toBe(tableDigest([['b', version(1)]]));
  });
});

describe('a device that is sent a version', () => {
  const held = (seconds: number, waiting = false) => ({ ...version(seconds), waiting });
  const facts = { syncsUp: true };

  it('applies what is newer, keeps what it has, and sends back what is newer than that', () => {
    expect(onDown(undefined, version(5), facts)).toBe('apply');
    expect(onDown(held(4), version(5), facts)).toBe('apply');
    expect(onDown(held(5), version(5), facts)).toBe('keep');
    expect(onDown(held(6), version(5), facts)).toBe('sendBack');
    expect(onDown(held(6), undefined, facts)).toBe('apply');
    expect(onDown(held(6), version(5), { syncsUp: false })).toBe('keep');
    // It goes up by itself.
    expect(onDown(held(6, true), version(5), facts)).toBe('keep');
  });

  it('takes what the cloud put in the place of a date that it did not believe, once it has it', () => {
    const far = { ...version(0), updated: FAR, waiting: false };
    expect(onDown(far, version(5), facts)).toBe('sendBack');
    expect(onDown(far, version(5), { ...facts, cloudNow: NOW })).toBe('apply');
    expect(onDown({ ...far, waiting: true }, version(5), { ...facts, cloudNow: NOW })).toBe('keep');
  });
});

describe('the cloud that is sent a version', () => {
  const sent = (facts: Partial<Parameters<typeof onUp>[1]> = {}) => {
    return { ...version(5), deviceId: 'D', ...facts };
  };

  it('writes what is newer, knows a copy, and tells what is older', () => {
    expect(onUp(undefined, sent(), NOW)).toMatchObject({ kind: 'write', updated: at(5), redated: false });
    expect(onUp(version(4), sent(), NOW)).toMatchObject({ kind: 'write' });
    expect(onUp(version(5), sent(), NOW)).toEqual({ kind: 'same' });
    expect(onUp(version(5, 'y'), sent(), NOW)).toEqual({ kind: 'stale' });
    expect(onUp(version(6, '', true), sent(), NOW)).toEqual({ kind: 'stale' });
  });

  it('dates what comes from a clock far ahead itself, once', () => {
    const verdict = onUp(version(60, 'held'), sent({ updated: FAR }), NOW);
    const updated = new Date(NOW + 60_001).toISOString();
    expect(verdict).toEqual({ kind: 'write', updated, claims: { D: FAR }, redated: true });
    const edited = { ...version(90, 'owner'), claims: { D: FAR } };
    expect(onUp(edited, sent({ updated: FAR }), NOW)).toEqual({ kind: 'seen' });
    expect(onUp(edited, sent({ updated: FAR }), Date.parse(FAR))).toEqual({ kind: 'seen' });
    expect(onUp(edited, sent({ updated: FAR, deviceId: 'E' }), NOW)).toMatchObject({ kind: 'write' });
    expect(onUp(edited, sent({ updated: '2099-01-01T00:00:00.001Z' }), NOW)).toMatchObject({ kind: 'write' });
    // Its clock was set right meanwhile.
    expect(onUp(edited, sent({ updated: at(91) }), NOW)).toMatchObject({ kind: 'write', updated: at(91) });
  });

  it('dates what has no time, and knows a copy by its content', () => {
    const first = onUp(undefined, sent({ updated: undefined }), NOW);
    expect(first).toMatchObject({ kind: 'write', updated: at(0), redated: false });
    expect(onUp(version(0), sent({ updated: undefined }), NOW + 5000)).toEqual({ kind: 'same' });
    expect(onUp(version(0, 'other'), sent({ updated: undefined }), NOW)).toMatchObject({
      kind: 'write',
      updated: new Date(NOW + 1).toISOString(),
    });
  });
});
