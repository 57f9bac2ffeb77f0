import {
  bindPolicies,
  deviceMayPublish,
  deviceMayReceive,
  deviceMaySubscribe,
  type PolicyAction,
  parseIotPolicy,
} from '@ioto/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { policySubject } from './device-rights.ts';
import { allows, groundOf } from './ground.ts';

const DEVICE = { deviceId: 'JT08FFQXWQ', accountId: '01J0000000000000000000000A' };
const OTHER = { deviceId: 'K4PZ2M9RTA', accountId: '01J0000000000000000000000B' };
const subject = policySubject({ ...DEVICE, sourceIp: '192.0.2.1' }, 'local', () => 0);

const action = fc.constantFrom<PolicyAction>(
  ...(['iot:Connect', 'iot:Publish', 'iot:Subscribe', 'iot:Receive', 'iot:RetainPublish'] as const),
);
const level = fc.constantFrom(
  ...['app', 'ioto', 'device', 'service', 'account', '$aws', 'things', 'all', '+', '#', '*', '?', 'door'],
  ...[
    DEVICE.deviceId,
    DEVICE.accountId,
    OTHER.deviceId,
    OTHER.accountId,
    '${iot:ClientId}',
    '${ioto:AccountId}',
  ],
);
const path = fc.array(level, { minLength: 1, maxLength: 5 }).map((levels) => levels.join('/'));
const resource = fc.oneof(
  fc.constant('*'),
  fc
    .tuple(fc.constantFrom('topic', 'topicfilter', 'client'), path)
    .map(([type, name]) => `arn:aws:iot:*:*:${type}/${name}`),
);
const statement = fc.record({
  Effect: fc.constantFrom('Allow', 'Deny'),
  Action: fc.oneof(fc.constant('*'), fc.constant('iot:*'), action),
  Resource: fc.array(resource, { minLength: 1, maxLength: 3 }),
});
const document = fc.record({
  Version: fc.constant('2012-10-17'),
  Statement: fc.array(statement, { minLength: 1, maxLength: 4 }),
});

const ground = (documents: object[], what: PolicyAction, name: string) => {
  const bound = bindPolicies(documents.map(parseIotPolicy), subject);
  return groundOf(DEVICE, what, name, bound.decide(what, name));
};

describe('whatever an account’s policies say', () => {
  it('a device does nothing outside what is its own by contract and the topics of its account', () => {
    fc.assert(
      fc.property(fc.array(document, { maxLength: 3 }), action, path, (documents, what, name) => {
        if (what === 'iot:Connect' || !allows(ground(documents, what, name))) return;
        const byContract =
          (what === 'iot:Publish' && deviceMayPublish(DEVICE, name)) ||
          (what === 'iot:Subscribe' && deviceMaySubscribe(DEVICE, name)) ||
          (what === 'iot:Receive' && deviceMayReceive(DEVICE, name));
        expect(byContract || name.startsWith(`app/${DEVICE.accountId}/`)).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  it('one more that denies never allows more, and one more that allows never less', () => {
    const only = (effect: string) => statement.map((each) => ({ ...each, Effect: effect }));
    const one = (effect: string) => only(effect).map((each) => ({ Version: '2012-10-17', Statement: each }));
    fc.assert(
      fc.property(
        fc.array(document, { maxLength: 2 }),
        one('Deny'),
        one('Allow'),
        action,
        path,
        (...drawn) => {
          const [documents, denial, permission, what, name] = drawn;
          const before = allows(ground(documents, what, name));
          if (!before) expect(allows(ground([...documents, denial], what, name))).toBe(false);
          if (before) expect(allows(ground([...documents, permission], what, name))).toBe(true);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

const all = (effect: string, what = '*', where = '*') => ({
  Version: '2012-10-17',
  Statement: { Effect: effect, Action: what, Resource: where },
});

describe('the ground on which a device', () => {
  const own = `app/${DEVICE.accountId}/door`;
  const contract = `ioto/service/${DEVICE.deviceId}/test`;
  it.each<[string, object[], PolicyAction, string, string]>([
    ['connects without policies', [], 'iot:Connect', DEVICE.deviceId, 'contract'],
    ['is kept out', [all('Deny', 'iot:Connect')], 'iot:Connect', DEVICE.deviceId, 'denied'],
    ['says its own', [], 'iot:Publish', contract, 'contract'],
    ['may not say its own', [all('Deny', 'iot:Publish')], 'iot:Publish', contract, 'denied'],
    ['says what no policy speaks of', [], 'iot:Publish', own, 'nothing'],
    ['says what one allows', [all('Allow')], 'iot:Publish', own, 'policy'],
    ['says what one allows and one denies', [all('Allow'), all('Deny')], 'iot:Publish', own, 'denied'],
    ['says another’s', [all('Allow')], 'iot:Publish', `app/${OTHER.accountId}/door`, 'out of bounds'],
    ['retains by contract', [], 'iot:RetainPublish', contract, 'nothing'],
    ['retains on its own word', [all('Allow')], 'iot:RetainPublish', contract, 'out of bounds'],
  ])('%s', (_what, documents, what, name, expected) => {
    expect(ground(documents, what, name)).toBe(expected);
  });
});
