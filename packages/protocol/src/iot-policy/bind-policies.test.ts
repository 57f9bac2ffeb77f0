import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bindPolicies } from './bind-policies.ts';
import { POLICY_ACTIONS, type PolicyAction } from './policy-actions.ts';
import { parseIotPolicy } from './policy-document.ts';
import type { PolicySubject } from './policy-subject.ts';

const subject: PolicySubject = {
  clientId: 'JT08FFQXWQ',
  accountId: '123456789012',
  region: 'eu-west-1',
  now: () => 0,
};

const arn = (path: string) => `arn:aws:iot:*:*:${path}`;
const policy = (...statements: object[]) => parseIotPolicy({ Version: '2012-10-17', Statement: statements });
const says =
  (Effect: 'Allow' | 'Deny') =>
  (Action: string | string[], Resource: string | string[], more = {}) => ({
    Effect,
    Action,
    Resource,
    ...more,
  });
const allow = says('Allow');
const deny = says('Deny');
const bind = (statement: object, who: Partial<PolicySubject> = {}) =>
  bindPolicies([policy(statement)], { ...subject, ...who });

describe('a decision', () => {
  it('is none, which allows nothing, when no policy says anything', () => {
    const bound = bindPolicies([], subject);
    for (const action of POLICY_ACTIONS) {
      expect(bound.decide(action, 'x')).toBe('none');
      expect(bound.allows(action, 'x')).toBe(false);
    }
  });

  it('looks at the resource of its action’s type', () => {
    const types = { client: 'iot:Connect', topicfilter: 'iot:Subscribe', topic: 'iot:Publish' } as const;
    for (const [type, action] of Object.entries(types)) {
      const bound = bind(allow('iot:*', arn(`${type}/x`)));
      const allowed = POLICY_ACTIONS.filter((each) => bound.allows(each, 'x'));
      expect(allowed).toEqual(
        type === 'topic' ? ['iot:Publish', 'iot:Receive', 'iot:RetainPublish'] : [action],
      );
    }
  });

  it('on retaining a message is not that on publishing it', () => {
    const bound = bind(allow('iot:Publish', '*'));
    expect(bound.decide('iot:Publish', 'a')).toBe('allow');
    expect(bound.decide('iot:RetainPublish', 'a')).toBe('none');
  });

  it('on a filter takes its wildcards for characters', () => {
    const bound = bind(allow('iot:Subscribe', arn('topicfilter/a/b')));
    for (const filter of ['a/+', 'a/#', '#', '+/b'])
      expect(bound.allows('iot:Subscribe', filter)).toBe(false);
    expect(bind(allow('iot:Subscribe', arn('topicfilter/a/*'))).allows('iot:Subscribe', 'a/#')).toBe(true);
  });

  it('is none for an action that no client asks for', () => {
    expect(bind(allow('*', '*')).decide('iot:GetThingShadow' as PolicyAction, 'x')).toBe('none');
    expect(bind(allow('iot:GetThingShadow', '*')).decide('iot:Publish', 'x')).toBe('none');
  });

  it('to deny of one policy stands against what others allow, also of other policies', () => {
    const bound = bindPolicies(
      [policy(deny('iot:Publish', arn('topic/a/secret/*'))), policy(allow('iot:*', '*'))],
      subject,
    );
    expect(bound.decide('iot:Publish', 'a/secret/x')).toBe('deny');
    expect(bound.allows('iot:Publish', 'a/secret/x')).toBe(false);
    expect(bound.decide('iot:Publish', 'a/open')).toBe('allow');
    expect(bound.decide('iot:Receive', 'a/secret/x')).toBe('allow');
  });

  it('by account and region speaks of this account and region only', () => {
    const at = (region: string, account: string) =>
      bind(allow('iot:Publish', `arn:aws:iot:${region}:${account}:topic/x`)).allows('iot:Publish', 'x');
    expect(at('eu-west-1', '123456789012')).toBe(true);
    expect(at('eu-west-1', '${ioto:AccountId}')).toBe(true);
    expect(at('eu-west-2', '123456789012')).toBe(false);
    expect(at('eu-west-1', '123456789013')).toBe(false);
  });

  it('follows the clock, which it asks once and only where it matters', () => {
    let now = Date.parse('2026-01-31T11:59:59.999Z');
    let asked = 0;
    const clock = () => {
      asked += 1;
      return now;
    };
    const Condition = {
      DateGreaterThanEquals: { 'aws:CurrentTime': '2026-01-31T12:00:00Z' },
      NumericLessThan: { 'aws:EpochTime': Date.parse('2026-01-31T13:00:00Z') / 1000 },
    };
    const bound = bind(allow('iot:Publish', arn('topic/x'), { Condition }), { now: clock });
    expect(asked).toBe(0);
    expect(bound.allows('iot:Publish', 'x')).toBe(false);
    now += 1;
    expect(bound.allows('iot:Publish', 'x')).toBe(true);
    now += 3_600_000;
    expect(bound.allows('iot:Publish', 'x')).toBe(false);
    expect(asked).toBe(3);
    expect(bound.allows('iot:Subscribe', 'x')).toBe(false);
    expect(asked).toBe(3);
  });

  it('takes every moment of a second for that second', () => {
    const Condition = { DateEquals: { 'aws:CurrentTime': '2026-01-31T12:00:00Z' } };
    const at = (time: string) =>
      bind(allow('iot:Publish', '*', { Condition }), { now: () => Date.parse(time) }).allows(
        'iot:Publish',
        'x',
      );
    expect(at('2026-01-31T12:00:00.999Z')).toBe(true);
    expect(at('2026-01-31T12:00:01.000Z')).toBe(false);
  });

  it('to deny may be for a time', () => {
    const Condition = { DateLessThan: { 'aws:CurrentTime': '2026-01-01' } };
    const all = policy(allow('iot:*', '*'), deny('iot:Publish', arn('topic/x'), { Condition }));
    let now = Date.parse('2025-12-31T23:59:59Z');
    const bound = bindPolicies([all], { ...subject, now: () => now });
    expect(bound.decide('iot:Publish', 'x')).toBe('deny');
    now += 1000;
    expect(bound.decide('iot:Publish', 'x')).toBe('allow');
  });

  it('depends on the conditions of each statement alone', () => {
    const Condition = { IpAddress: { 'aws:SourceIp': '192.0.2.0/24' } };
    const two = [
      policy(allow('iot:Publish', arn('topic/near'), { Condition }), allow('iot:Publish', arn('topic/far'))),
    ];
    const near = bindPolicies(two, { ...subject, sourceIp: '::ffff:192.0.2.9' });
    const far = bindPolicies(two, { ...subject, sourceIp: '198.51.100.1' });
    expect([near.allows('iot:Publish', 'near'), near.allows('iot:Publish', 'far')]).toEqual([true, true]);
    expect([far.allows('iot:Publish', 'near'), far.allows('iot:Publish', 'far')]).toEqual([false, true]);
  });
});

describe('a variable', () => {
  const own = allow('iot:Publish', arn('topic/from/${iot:Connection.Thing.ThingName}/*'));

  it('without value makes its resource match nothing, not everything', () => {
    for (const thingName of [undefined, '']) {
      const bound = bind(own, { thingName });
      for (const topic of [
        'from//x',
        'from/x',
        'from/JT08FFQXWQ/x',
        'from/${iot:Connection.Thing.ThingName}/x',
      ]) {
        expect(bound.decide('iot:Publish', topic)).toBe('none');
      }
    }
  });

  it('without value in a condition is no reason to allow, and none to let off', () => {
    const Condition = { StringNotEquals: { 'iot:ClientId': '${iot:Connection.Thing.ThingName}' } };
    expect(bind(allow('iot:Publish', '*', { Condition })).decide('iot:Publish', 'x')).toBe('none');
    expect(bind(deny('iot:Publish', '*', { Condition })).decide('iot:Publish', 'x')).toBe('deny');
  });

  it('whose value looks like a wildcard or a variable stands for just that text', () => {
    for (const thingName of ['*', '?', '${iot:ClientId}', '**', '${*}']) {
      const bound = bind(own, { thingName });
      expect(bound.allows('iot:Publish', `from/${thingName}/x`)).toBe(true);
      expect(bound.allows('iot:Publish', 'from/JT08FFQXWQ/x')).toBe(false);
      expect(bound.allows('iot:Publish', 'from/Y/x')).toBe(false);
    }
  });

  it('whose value is a wildcard of MQTT allows no filter, and denies it still', () => {
    const filter = arn('topicfilter/from/${iot:ClientId}/#');
    for (const clientId of ['+', '#', 'a/+/b']) {
      const name = `from/${clientId}/#`;
      expect(bind(allow('iot:Subscribe', filter), { clientId }).decide('iot:Subscribe', name)).toBe('none');
      expect(bind(deny('iot:Subscribe', filter), { clientId }).decide('iot:Subscribe', name)).toBe('deny');
    }
    expect(bind(allow('iot:Subscribe', filter), { clientId: 'a' }).allows('iot:Subscribe', 'from/a/#')).toBe(
      true,
    );
  });

  it('gives the answers of its value written by hand', () => {
    const value = fc.string({
      unit: fc.constantFrom('a', 'b', '*', '?', '$', '{', '}', ':', '/'),
      minLength: 1,
    });
    const rest = fc.constantFrom('', '*', '?', '/x', '*/x');
    const topic = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?', '$', '/'), maxLength: 4 });
    fc.assert(
      fc.property(value, rest, rest, topic, topic, (clientId, before, after, left, right) => {
        const byHand = clientId.replace(/[*?$]/g, '${$&}');
        const filledIn = bind(allow('iot:Publish', arn(`topic/${before}\${iot:ClientId}${after}`)), {
          clientId,
        });
        const written = bind(allow('iot:Publish', arn(`topic/${before}${byHand}${after}`)));
        for (const name of [clientId, left + clientId + right, left, `x${clientId}/x`]) {
          expect(filledIn.decide('iot:Publish', name)).toBe(written.decide('iot:Publish', name));
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('policies together', () => {
  const anyStatement = fc.record(
    {
      Effect: fc.constantFrom('Allow', 'Deny'),
      Action: fc.uniqueArray(fc.constantFrom('iot:Publish', 'iot:Sub*', 'iot:*', 'iot:Receive'), {
        minLength: 1,
      }),
      Resource: fc.array(
        fc.constantFrom(
          ...[
            '*',
            arn('topic/a'),
            arn('topic/a/*'),
            arn('topic*/?'),
            arn('topicfilter/*'),
            arn('topic/${iot:ClientId}'),
          ],
        ),
        { minLength: 1, maxLength: 3 },
      ),
      Condition: fc.constantFrom(
        { DateLessThan: { 'aws:CurrentTime': '2000-01-01' } },
        { DateGreaterThan: { 'aws:CurrentTime': '2000-01-01' } },
        { StringNotEquals: { 'iot:ClientId': '${ioto:Product}' } },
      ),
    },
    { requiredKeys: ['Effect', 'Action', 'Resource'] },
  );
  const statements = fc.array(anyStatement, { minLength: 1, maxLength: 5 });
  const asked = fc.tuple(
    fc.constantFrom(...POLICY_ACTIONS),
    fc.constantFrom('a', 'b', 'a/b', '#', 'JT08FFQXWQ', ''),
  );
  const decide = (all: readonly object[], [action, name]: readonly [PolicyAction, string]) =>
    bindPolicies([policy(...all)], subject).decide(action, name);

  it('deny when one of them denies, allow when one allows and none denies, in any order', () => {
    fc.assert(
      fc.property(statements, asked, (all, question) => {
        const alone = all.map((each) => decide([each], question));
        const expected = alone.includes('deny') ? 'deny' : alone.includes('allow') ? 'allow' : 'none';
        expect(decide(all, question)).toBe(expected);
        expect(decide(all.toReversed(), question)).toBe(expected);
        const each = all.map((one) => policy(one));
        expect(bindPolicies(each, subject).decide(...question)).toBe(expected);
        expect(bindPolicies(each, subject).allows(...question)).toBe(expected === 'allow');
      }),
      { numRuns: 500 },
    );
  });

  it('allow no less for one more that allows, and no more for one more that denies', () => {
    fc.assert(
      fc.property(statements, anyStatement, asked, (all, one, question) => {
        const before = decide(all, question);
        const allowing = decide([...all, { ...one, Effect: 'Allow' }], question);
        const denying = decide([...all, { ...one, Effect: 'Deny' }], question);
        expect(allowing === before || (before === 'none' && allowing === 'allow')).toBe(true);
        expect(denying === before || denying === 'deny').toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
