import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deltaOf } from './delta.ts';
import { type Json, type JsonObject, sameJson } from './json.ts';
import { mergeObject } from './merge.ts';
import type { ShadowUpdate } from './shadow-document.ts';
import { emptyShadow, planUpdate, type ShadowRecord, shownShadow } from './update-plan.ts';

const at = (timestamp: number) => ({ timestamp });

function after(...states: ShadowUpdate['state'][]): ShadowRecord {
  return states.reduce<ShadowRecord>(
    (shadow, state, index) => planUpdate(shadow, { state }, index + 1).after,
    emptyShadow(),
  );
}

describe('an update of a shadow', () => {
  it.each<[string, ShadowUpdate['state'][], ShadowRecord['state']]>([
    ['makes it', [{ desired: { a: 1 } }], { desired: { a: 1 } }],
    [
      'leaves alone what it does not name',
      [{ desired: { a: 1, b: { c: 1 } }, reported: { a: 0 } }, { desired: { b: { d: 2 } } }],
      { desired: { a: 1, b: { c: 1, d: 2 } }, reported: { a: 0 } },
    ],
    ['takes a member away', [{ desired: { a: 1, b: 2 } }, { desired: { a: null } }], { desired: { b: 2 } }],
    [
      'takes a section away',
      [{ desired: { a: 1 }, reported: { a: 1 } }, { desired: null }],
      { reported: { a: 1 } },
    ],
    ['takes an emptied section away', [{ desired: { a: 1 } }, { desired: { a: null } }], {}],
    ['empties it', [{ desired: { a: 1 } }, null], {}],
    [
      'keeps an object that lost all',
      [{ desired: { a: { b: 1 } } }, { desired: { a: { b: null } } }],
      { desired: { a: {} } },
    ],
    ['keeps an empty object', [{ desired: { a: {} } }], { desired: { a: {} } }],
    [
      'replaces arrays whole',
      [{ desired: { a: [1, { b: 2 }] } }, { desired: { a: [3] } }],
      { desired: { a: [3] } },
    ],
    [
      'puts an object in the place of a value',
      [{ desired: { a: 1 } }, { desired: { a: { b: 2, c: null } } }],
      { desired: { a: { b: 2 } } },
    ],
    [
      'puts a value in the place of an object',
      [{ desired: { a: { b: 2 } } }, { desired: { a: 1 } }],
      { desired: { a: 1 } },
    ],
    ['of an empty section does not make it', [{ desired: {} }], {}],
  ])('%s', (_name, states, expected) => {
    expect(after(...states).state).toEqual(expected);
  });

  it('counts, from 1 on, also when it empties the shadow or nothing is new', () => {
    expect([after({}).version, after({}, null).version, after({}, null, {}).version]).toEqual([1, 2, 3]);
    expect(planUpdate(emptyShadow(7), { state: {} }, 1).after.version).toBe(8);
  });

  it('notes the time of each value that it names', () => {
    const { metadata } = after(
      { desired: { a: 1, b: { c: 1, d: [1, 2] } } },
      { desired: { a: 1, b: { e: { f: 1 } } } },
      { desired: { a: { x: 1 } } },
    );
    expect(metadata).toEqual({ desired: { a: { x: at(3) }, b: { c: at(1), d: at(1), e: { f: at(2) } } } });
  });

  it('takes the names of JavaScript for names', () => {
    const state = JSON.parse('{"desired":{"__proto__":{"a":1},"constructor":1}}');
    const { state: kept, metadata } = after(state, { desired: { b: 1 } });
    expect(JSON.stringify(kept)).toBe('{"desired":{"__proto__":{"a":1},"constructor":1,"b":1}}');
    expect(JSON.stringify(metadata)).toContain('"__proto__":{"a":{"timestamp":1}}');
    expect(({} as { a?: number }).a).toBeUndefined();
  });

  it('of another version than the shadow’s is refused', () => {
    const update = (version: number) => () =>
      planUpdate(after({}), { state: {}, version, clientToken: 't' }, 2);
    expect(update(2)).toThrow(
      expect.objectContaining({ shadowCode: 409, message: 'Version conflict', clientToken: 't' }),
    );
    expect(update(0)).toThrow();
    expect(update(1)).not.toThrow();
    expect(() => planUpdate(emptyShadow(), { state: {}, version: 0 }, 1)).not.toThrow();
  });

  it('that would make it too large is refused, and its metadata does not count', () => {
    const half = { a: 'x'.repeat(5000) };
    const full = after({ desired: half });
    expect(() => planUpdate(full, { state: { reported: half }, clientToken: 't' }, 2)).toThrow(
      expect.objectContaining({ shadowCode: 413, clientToken: 't' }),
    );
    const many = Object.fromEntries(Array.from({ length: 800 }, (_, index) => [`k${index}`, 1] as const));
    expect(JSON.stringify(after({ desired: many })).length).toBeGreaterThan(20_000);
  });
});

describe('what is told of an update', () => {
  it('repeats what was sent, shows what is still desired, and what was and is', () => {
    const before = after({ desired: { a: 1, b: 2 }, reported: { a: 1 } });
    const plan = planUpdate(before, { state: { reported: { b: null, a: 3 } }, clientToken: 't' }, 9);
    const version = 2;
    expect(plan.accepted).toEqual({
      state: { reported: { b: null, a: 3 } },
      metadata: { reported: { b: at(9), a: at(9) } },
      ...{ version, timestamp: 9, clientToken: 't' },
    });
    expect(plan.delta).toEqual({
      state: { a: 1, b: 2 },
      metadata: { a: at(1), b: at(1) },
      ...{ version, timestamp: 9, clientToken: 't' },
    });
    expect(plan.documents).toEqual({ previous: before, current: plan.after, timestamp: 9, clientToken: 't' });
  });

  it('has no delta where all that is desired is reported', () => {
    expect(planUpdate(emptyShadow(), { state: { reported: { a: 1 } } }, 1)).not.toHaveProperty('delta');
    const both = { desired: { a: { b: [1] } }, reported: { a: { b: [1], c: 2 } } };
    expect(planUpdate(emptyShadow(), { state: both }, 1)).not.toHaveProperty('delta');
  });
});

describe('the document of a shadow', () => {
  it('shows the sections that there are, and the difference', () => {
    expect(shownShadow(after({ desired: { a: 1 } }), 5, 't')).toEqual({
      state: { desired: { a: 1 }, delta: { a: 1 } },
      metadata: { desired: { a: at(1) } },
      ...{ version: 1, timestamp: 5, clientToken: 't' },
    });
    expect(shownShadow(after(null), 5)).toEqual({ state: {}, metadata: {}, version: 1, timestamp: 5 });
  });
});

const name = fc.constantFrom('a', 'b', 'c', '__proto__');
const leaf = fc.oneof(
  fc.integer({ min: 0, max: 3 }),
  fc.boolean(),
  fc.constant('x'),
  fc.constant<Json>([1, { a: 1 }]),
);
const { tree } = fc.letrec<{ tree: JsonObject; value: Json }>((tie) => ({
  value: fc.oneof({ depthSize: 'small' }, leaf, tie('tree')),
  tree: fc.array(fc.tuple(name, tie('value')), { maxLength: 3 }).map((pairs) => Object.fromEntries(pairs)),
}));

/** True where every desired value is reported; an object is, when all in it are. */
function isWithin(desired: JsonObject, reported: JsonObject): boolean {
  return Object.entries(desired).every(([key, value]) => {
    const held = Object.hasOwn(reported, key) ? reported[key] : undefined;
    const objects = [value, held].every((each) => typeof each === 'object' && !Array.isArray(each));
    return objects ? isWithin(value as JsonObject, held as JsonObject) : sameJson(value, held);
  });
}

describe('a delta', () => {
  it('is there exactly where something desired is not reported, and ends when it is', () => {
    fc.assert(
      fc.property(tree, tree, (desired, reported) => {
        const delta = deltaOf(desired, reported);
        expect(delta === undefined).toBe(isWithin(desired, reported));
        if (delta) expect(deltaOf(desired, mergeObject(reported, delta))).toBeUndefined();
      }),
    );
  });
});
