import { describe, expect, it } from 'vitest';
import type { ResourceType } from './policy-actions.ts';
import type { PolicySubject } from './policy-subject.ts';
import { valuesOf } from './policy-variables.ts';
import { namesOf, parseResource } from './resource-pattern.ts';

const subject: PolicySubject = {
  clientId: 'JT08FFQXWQ',
  accountId: '123456789012',
  region: 'eu-west-1',
  now: () => 0,
};

function matches(resource: string, type: ResourceType, name: string, who = subject): boolean {
  return namesOf(parseResource(resource, 'Resource'), type, who, valuesOf(who)).some((glob) =>
    glob.matches(name),
  );
}

describe('a resource', () => {
  it.each<[string, ResourceType, string]>([
    ['*', 'client', 'anything'],
    ['arn:aws:iot:eu-west-1:123456789012:topic/a/b', 'topic', 'a/b'],
    ['arn:aws:iot:eu-west-1:123456789012:topicfilter/a/+/#', 'topicfilter', 'a/+/#'],
    ['arn:aws:iot:eu-west-1:123456789012:client/${iot:ClientId}', 'client', 'JT08FFQXWQ'],
    ['arn:aws:iot:*:*:topic/a/*', 'topic', 'a/b/c'],
    ['arn:aws:iot:*:*:topic/a/*', 'topic', 'a/'],
    ['arn:aws:iot:eu-*:1234?6789012:topic/?', 'topic', 'x'],
    ['arn:aws:iot:*:${ioto:AccountId}:topic/x', 'topic', 'x'],
    ['arn:aws-cn:iot:*:*:topic/x', 'topic', 'x'],
    ['arn:aws-us-gov:iot:*:*:topic/x', 'topic', 'x'],
    ['arn:aws:iot:*:*:topic/a:b:c', 'topic', 'a:b:c'],
    ['arn:aws:iot:*:*:topic/$aws/things/${iot:ClientId}/*', 'topic', '$aws/things/JT08FFQXWQ/shadow/get'],
    ['arn:aws:iot:*:*:topic/${*}', 'topic', '*'],
    ['arn:aws:iot:*:*:topic/', 'topic', ''],
    ['arn:aws:iot:*:*:*', 'client', 'x'],
    ['arn:aws:iot:*:*:topic*', 'topicfilter', 'x'],
    ['arn:aws:iot:*:*:*/x', 'topic', 'a/x'],
    ['arn:aws:iot:*:*:topic*/x', 'topic', 'x'],
  ])('%s matches the %s %j', (resource, type, name) => {
    expect(matches(resource, type, name)).toBe(true);
  });

  it.each<[string, ResourceType, string]>([
    ['arn:aws:iot:eu-west-1:123456789012:topic/a', 'topic', 'a/b'],
    ['arn:aws:iot:eu-west-1:123456789012:topic/a', 'topic', 'A'],
    ['arn:aws:iot:eu-west-1:123456789012:topic/a', 'topicfilter', 'a'],
    ['arn:aws:iot:eu-west-1:123456789012:topic/*', 'client', 'a'],
    ['arn:aws:iot:us-east-1:123456789012:topic/a', 'topic', 'a'],
    ['arn:aws:iot:eu-west-1:999999999999:topic/a', 'topic', 'a'],
    ['arn:aws:iot:*:*:topicfilter/a/+', 'topicfilter', 'a/b'],
    ['arn:aws:iot:*:*:topic/a/#', 'topic', 'a/b'],
    ['arn:aws:iot:*:*:topic/${*}', 'topic', 'x'],
    ['arn:aws:iot:*:*:topic/?', 'topic', '/x'],
    ['arn:aws:iot:*:*:thing/*', 'topic', 'a'],
    ['arn:aws:iot:*:*:topic/${iot:Connection.Thing.ThingName}*', 'topic', 'a'],
    ['arn:aws:iot:*:${ioto:Product}:topic/*', 'topic', 'a'],
  ])('%s does not match the %s %j', (resource, type, name) => {
    expect(matches(resource, type, name)).toBe(false);
  });

  it('takes colons and slashes of a value for text of the name', () => {
    const who = { ...subject, clientId: 'a:b/c' };
    expect(matches('arn:aws:iot:*:*:client/${iot:ClientId}', 'client', 'a:b/c', who)).toBe(true);
  });

  it.each([
    ['arn:aws:iot:x', 'is not an ARN of the form arn:aws:iot:REGION:ACCOUNT:TYPE/NAME'],
    ['topic/a', 'is not an ARN of the form'],
    ['**', 'is not an ARN of the form'],
    ['arn:aws:s3:*:*:topic/a', 'is not an ARN of the form'],
    ['arn:aws:i*t:*:*:topic/a', 'is not an ARN of the form'],
    ['arn:aws:iot:*:*:topic', 'is not an ARN of the form'],
    ['arn:aws:iot:*:*:', 'is not an ARN of the form'],
    ['arn:aws:iot:*:*:/a', 'is not an ARN of the form'],
    ['arn:aws:iot:*:*:to pic/a', 'is not an ARN of the form'],
    ['arn:aws:iot:*:*:${iot:ClientId}/a', 'has a variable in its TYPE'],
    ['arn:aws:iot:*:*:${iot:ClientId}', 'has a variable in its TYPE'],
    ['arn:aws:iot::*:topic/a', 'names no region: * stands for any'],
    ['arn:aws:iot:*::topic/a', 'names no account: * stands for any'],
    ['arn:azure:iot:*:*:topic/a', 'names a partition other than aws, aws-cn, aws-us-gov'],
    ['arn:*:iot:*:*:topic/a', 'names a partition other than aws, aws-cn, aws-us-gov'],
  ])('%j is refused: it %s', (resource, reason) => {
    expect(() => parseResource(resource, 'Resource[1]')).toThrow(
      expect.objectContaining({
        code: 'POLICY_INVALID',
        message: expect.stringContaining(`Resource[1]: ${JSON.stringify(resource)} ${reason}`),
      }),
    );
  });

  it('is refused when it is too long to be matched often', () => {
    const resource = `arn:aws:iot:*:*:topic/${'a'.repeat(1003)}`;
    expect(() => parseResource(resource, 'Resource')).toThrow('Resource: is longer than 1024 characters');
    expect(matches(resource.slice(0, 1024), 'topic', 'a'.repeat(1002))).toBe(true);
  });
});
