import { describe, expect, it } from 'vitest';
import { parseIotPolicy } from './policy-document.ts';
import { checkPolicyHome } from './policy-home.ts';

const HOME = { accountId: '01J0000000000000000000000A', region: 'local' };

const check = (Resource: string | string[]) => () =>
  checkPolicyHome(
    parseIotPolicy({ Version: '2012-10-17', Statement: { Effect: 'Deny', Action: 'iot:Publish', Resource } }),
    HOME,
  );

describe('a policy', () => {
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
