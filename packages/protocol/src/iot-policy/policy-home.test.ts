import { describe, expect, it } from 'vitest';
import { bindPolicies } from './bind-policies.ts';
import { POLICY_ACTIONS } from './policy-actions.ts';
import { parseIotPolicy } from './policy-document.ts';
import { policyAtHome } from './policy-home.ts';

const HOME = { accountId: '01J0000000000000000000000A', region: 'local' };

const check = (Resource: string | string[]) => () =>
  policyAtHome(
    parseIotPolicy({ Version: '2012-10-17', Statement: { Effect: 'Deny', Action: 'iot:Publish', Resource } }),
    HOME,
  );

describe('a policy', () => {
  it('is the same at home, with what all devices share filled in', () => {
    const policy = parseIotPolicy({
      Version: '2012-10-17',
      Statement: {
        Effect: 'Allow',
        Action: 'iot:*',
        Resource: ['topic', 'topicfilter', 'client'].map(
          (type) => `arn:aws:iot:*:*:${type}/\${ioto:AccountId}/*/\${iot:ClientId}`,
        ),
      },
    });
    const subject = { ...HOME, clientId: 'D', now: () => 0 };
    const [given, home] = [policy, policyAtHome(policy, HOME)].map((each) => bindPolicies([each], subject));
    for (const name of [`${HOME.accountId}/x/D`, `${HOME.accountId}/x/E`, '${ioto:AccountId}/x/D', 'B/x/D']) {
      for (const action of POLICY_ACTIONS) {
        expect(home?.decide(action, name)).toBe(given?.decide(action, name));
      }
    }
    expect(home?.decide('iot:Publish', `${HOME.accountId}/x/D`)).toBe('allow');
  });

  it.each([
    '*',
    'arn:aws:iot:*:*:topic/a',
    'arn:aws:iot:local:01J0000000000000000000000A:topic/a',
    'arn:aws:iot:lo*:01J*:topic/a',
    'arn:aws:iot:?????:${ioto:AccountId}:topic/a',
  ])('that holds at home passes: %s', (resource) => {
    expect(check(resource)).not.toThrow();
  });

  it.each<[string | string[], string]>([
    [
      'arn:aws:iot:*:123456789012:topic/a',
      'policy statement 1, Resource: names the account "123456789012": write 01J0000000000000000000000A, or * for any',
    ],
    [
      ['*', 'arn:aws:iot:us-east-1:*:topic/a'],
      'policy statement 1, Resource[1]: names the region "us-east-1": this cloud is local; * stands for any',
    ],
  ])('that would match nothing there is refused: %s', (resource, message) => {
    expect(check(resource)).toThrow(message);
  });
});
