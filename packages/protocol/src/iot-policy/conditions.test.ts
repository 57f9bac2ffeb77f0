import { describe, expect, it } from 'vitest';
import { parseConditions } from './conditions.ts';
import type { PolicySubject } from './policy-subject.ts';
import { valuesOf } from './policy-variables.ts';

const NOON = '2026-01-31T12:00:00Z';
const SECONDS = Date.parse(NOON) / 1000;

const subject: PolicySubject = {
  clientId: 'Pump-1',
  accountId: '123456789012',
  region: 'eu-west-1',
  thingName: 'Pump-1',
  sourceIp: '192.0.2.7',
  now: () => 0,
};

/** Of a statement that denies when `untold` is true. */
function holds(block: object, { who = subject, untold = false, seconds = SECONDS } = {}): boolean {
  return parseConditions(block, 'Condition').every((condition) => {
    const result = condition(valuesOf(who), untold);
    return typeof result === 'function' ? result(seconds) : result;
  });
}

describe('a condition holds, or not, by its operator', () => {
  it.each([
    ['StringEquals', 'iot:ClientId', 'Pump-1', true],
    ['StringEquals', 'iot:ClientId', 'pump-1', false],
    ['StringEquals', 'iot:ClientId', 'Pump-*', false],
    ['StringNotEquals', 'iot:ClientId', 'Pump-1', false],
    ['StringNotEquals', 'iot:ClientId', 'Pump-2', true],
    ['StringEqualsIgnoreCase', 'iot:ClientId', 'PUMP-1', true],
    ['StringEqualsIgnoreCase', 'iot:ClientId', 'PUMP-2', false],
    ['StringNotEqualsIgnoreCase', 'iot:ClientId', 'PUMP-1', false],
    ['StringNotEqualsIgnoreCase', 'iot:ClientId', 'PUMP-2', true],
    ['StringLike', 'iot:ClientId', 'Pump-?', true],
    ['StringLike', 'iot:ClientId', '*-2', false],
    ['StringNotLike', 'iot:ClientId', 'Pump-*', false],
    ['StringNotLike', 'iot:ClientId', 'Valve-*', true],
    ['StringEquals', 'aws:SourceIp', '192.0.2.7', true],
    ['StringEquals', 'iot:Connection.Thing.IsAttached', true, true],
    ['NumericEquals', 'aws:EpochTime', SECONDS, true],
    ['NumericEquals', 'aws:EpochTime', SECONDS + 1, false],
    ['NumericNotEquals', 'aws:EpochTime', SECONDS, false],
    ['NumericNotEquals', 'aws:EpochTime', `${SECONDS}.5`, true],
    ['NumericLessThan', 'aws:EpochTime', SECONDS, false],
    ['NumericLessThan', 'aws:EpochTime', SECONDS + 1, true],
    ['NumericLessThanEquals', 'aws:EpochTime', SECONDS, true],
    ['NumericLessThanEquals', 'aws:EpochTime', SECONDS - 1, false],
    ['NumericGreaterThan', 'aws:EpochTime', SECONDS, false],
    ['NumericGreaterThan', 'aws:EpochTime', SECONDS - 1, true],
    ['NumericGreaterThanEquals', 'aws:EpochTime', SECONDS, true],
    ['NumericGreaterThanEquals', 'aws:EpochTime', SECONDS + 1, false],
    ['DateEquals', 'aws:CurrentTime', NOON, true],
    ['DateEquals', 'aws:CurrentTime', '2026-01-31T13:00:00+01:00', true],
    ['DateEquals', 'aws:CurrentTime', '2026-01-31', false],
    ['DateNotEquals', 'aws:CurrentTime', NOON, false],
    ['DateLessThan', 'aws:CurrentTime', NOON, false],
    ['DateLessThan', 'aws:CurrentTime', '2026-02-01', true],
    ['DateLessThanEquals', 'aws:CurrentTime', NOON, true],
    ['DateGreaterThan', 'aws:CurrentTime', '2026-01-31', true],
    ['DateGreaterThan', 'aws:CurrentTime', NOON, false],
    ['DateGreaterThanEquals', 'aws:CurrentTime', NOON, true],
    ['DateGreaterThanEquals', 'aws:CurrentTime', '2026-01-31T12:00:00.001Z', false],
    ['DateLessThanEquals', 'aws:EpochTime', SECONDS, true],
    ['DateGreaterThan', 'aws:EpochTime', '2026-01-31T11:59Z', true],
    ['Bool', 'iot:Connection.Thing.IsAttached', 'true', true],
    ['Bool', 'iot:Connection.Thing.IsAttached', 'false', false],
    ['Bool', 'aws:SecureTransport', true, true],
    ['Bool', 'aws:SecureTransport', 'False', false],
    ['IpAddress', 'aws:SourceIp', '192.0.2.0/24', true],
    ['IpAddress', 'aws:SourceIp', '2001:db8::/32', false],
    ['NotIpAddress', 'aws:SourceIp', '192.0.2.0/24', false],
    ['NotIpAddress', 'aws:SourceIp', '192.0.2.8', true],
    ['Null', 'ioto:Product', 'true', true],
    ['Null', 'ioto:Product', false, false],
    ['Null', 'iot:ClientId', 'true', false],
    ['Null', 'aws:CurrentTime', 'false', true],
    ['StringEquals', 'IOT:CLIENTID', 'Pump-1', true],
  ])('%s of %s and %j: %s', (operator, key, value, expected) => {
    expect(holds({ [operator]: { [key]: value } })).toBe(expected);
    expect(holds({ [operator]: { [key]: [value] } })).toBe(expected);
  });
});

describe('a condition', () => {
  it('holds for one of its values, a negated one for none of them', () => {
    const key = 'iot:ClientId';
    expect(holds({ StringEquals: { [key]: ['Valve', 'Pump-1'] } })).toBe(true);
    expect(holds({ StringNotEquals: { [key]: ['Valve', 'Pump-1'] } })).toBe(false);
    expect(holds({ StringNotEquals: { [key]: ['Valve', 'Pump-2'] } })).toBe(true);
    expect(holds({ DateNotEquals: { 'aws:CurrentTime': ['2026-01-01', NOON] } })).toBe(false);
    expect(holds({ DateLessThan: { 'aws:CurrentTime': ['2026-01-01', '2027-01-01'] } })).toBe(true);
  });

  it('needs all of its keys and operators', () => {
    const like = { StringLike: { 'iot:ClientId': 'Pump-*' } };
    expect(holds({ ...like, Bool: { 'aws:SecureTransport': 'true' } })).toBe(true);
    expect(holds({ ...like, Bool: { 'aws:SecureTransport': 'false' } })).toBe(false);
    expect(holds({ StringLike: { 'iot:ClientId': 'Pump-*', 'ioto:AccountId': 'x' } })).toBe(false);
  });

  it('of a key that is absent holds when it is negated or only IfExists, as in IAM', () => {
    const of = (operator: string, value = 'x') => holds({ [operator]: { 'ioto:Product': value } });
    expect(of('StringEquals')).toBe(false);
    expect(of('StringLike', '*')).toBe(false);
    expect(of('StringNotEquals')).toBe(true);
    expect(of('StringNotLike', '*')).toBe(true);
    expect(of('StringEqualsIfExists')).toBe(true);
    expect(of('StringNotEqualsIfExists')).toBe(true);
    const nowhere = { who: { ...subject, sourceIp: 'unknown' } };
    expect(holds({ IpAddress: { 'aws:SourceIp': '0.0.0.0/0' } }, nowhere)).toBe(false);
    expect(holds({ NotIpAddress: { 'aws:SourceIp': '0.0.0.0/0' } }, nowhere)).toBe(true);
    expect(holds({ IpAddressIfExists: { 'aws:SourceIp': '10.0.0.0/8' } }, nowhere)).toBe(true);
  });

  it('IfExists of a key that is there is asked as ever', () => {
    expect(holds({ StringEqualsIfExists: { 'iot:ClientId': 'Pump-2' } })).toBe(false);
    expect(holds({ IpAddressIfExists: { 'aws:SourceIp': '10.0.0.0/8' } })).toBe(false);
    expect(holds({ DateLessThanIfExists: { 'aws:CurrentTime': '2026-01-01' } })).toBe(false);
  });

  it('compares with the values of variables', () => {
    const thing = '${iot:Connection.Thing.ThingName}';
    expect(holds({ StringEquals: { 'iot:ClientId': thing } })).toBe(true);
    expect(holds({ StringNotEquals: { 'iot:ClientId': thing } })).toBe(false);
    expect(holds({ StringLike: { 'iot:ClientId': '${iot:ClientId}*' } })).toBe(true);
    const star = { who: { ...subject, thingName: '*' } };
    expect(holds({ StringLike: { 'iot:ClientId': thing } }, star)).toBe(false);
    expect(holds({ StringLike: { 'iot:ClientId': '${*}' } })).toBe(false);
    expect(holds({ StringEquals: { 'iot:ClientId': '${*}' } }, { who: { ...subject, clientId: '*' } })).toBe(
      true,
    );
  });

  it('that compares with a variable without value never helps to allow, and is never in the way of a denial', () => {
    const product = { 'iot:ClientId': '${ioto:Product}' };
    expect(holds({ StringEquals: product })).toBe(false);
    expect(holds({ StringEquals: product }, { untold: true })).toBe(false);
    expect(holds({ StringNotEquals: product })).toBe(false);
    expect(holds({ StringNotEquals: product }, { untold: true })).toBe(true);
    expect(
      holds({ StringNotEquals: { 'iot:ClientId': ['${ioto:Product}', 'Pump-1'] } }, { untold: true }),
    ).toBe(false);
  });
});

describe('a condition is refused', () => {
  it.each([
    ['that is no object', 'x', 'Condition: must be an object, not "x"'],
    ['that is empty', {}, 'Condition: is empty'],
    ['of an operator without keys', { StringEquals: {} }, 'Condition["StringEquals"]: is empty'],
    [
      'of an operator that is not known',
      { StringMatches: { a: 'b' } },
      'Condition["StringMatches"]: the operator is not known; known are StringEquals, ',
    ],
    ['of an operator in another case', { stringequals: { a: 'b' } }, 'the operator is not known'],
    ['of NullIfExists', { NullIfExists: { 'iot:ClientId': 'true' } }, 'the operator is not known'],
    ['of IfExists alone', { IfExists: { 'iot:ClientId': 'true' } }, 'the operator is not known'],
    ['of a name that objects have', { constructor: { 'iot:ClientId': 'x' } }, 'the operator is not known'],
    ['for all values', { 'ForAllValues:StringEquals': { 'iot:ClientId': 'x' } }, 'leave the prefix out'],
    ['for any value', { 'ForAnyValue:StringEquals': { 'iot:ClientId': 'x' } }, 'leave the prefix out'],
    [
      'of a key that is not known',
      { StringEquals: { 'aws:PrincipalArn': 'x' } },
      'Condition["StringEquals"]["aws:PrincipalArn"]: the key is not known; known are iot:ClientId, ',
    ],
    ['of a key that objects have', { StringEquals: { constructor: 'x' } }, 'the key is not known'],
    ['of a key of another kind', { Bool: { 'iot:ClientId': 'true' } }, 'Bool cannot compare iot:ClientId'],
    [
      'of a time as text',
      { StringEquals: { 'aws:CurrentTime': NOON } },
      'StringEquals cannot compare aws:CurrentTime',
    ],
    ['of a date as number', { NumericLessThan: { 'aws:CurrentTime': 1 } }, 'NumericLessThan cannot compare'],
    ['of an empty list', { StringEquals: { 'iot:ClientId': [] } }, '["iot:ClientId"]: is an empty list'],
    [
      'of too many values',
      { StringEquals: { 'iot:ClientId': new Array(101).fill('x') } },
      'has 101 values, more than 100',
    ],
    [
      'of a value that is an object',
      { StringEquals: { 'iot:ClientId': ['x', {}] } },
      '["iot:ClientId"][1]: must be a text, a number, true or false, not an object',
    ],
    ['of null', { StringEquals: { 'iot:ClientId': null } }, 'not null'],
    [
      'of a variable that is not known',
      { StringLike: { 'iot:ClientId': '${x}' } },
      'the variable "${x}" is not known',
    ],
    [
      'of a flag that is none',
      { Bool: { 'aws:SecureTransport': 'yes' } },
      'must be true or false, not "yes"',
    ],
    ['of a Null that is none', { Null: { 'iot:ClientId': 1 } }, 'must be true or false, not "1"'],
    [
      'of an address that is none',
      { IpAddress: { 'aws:SourceIp': '10.0.0.0/40' } },
      '"10.0.0.0/40" is not an IP address or a range',
    ],
    [
      'of a variable for an address',
      { IpAddress: { 'aws:SourceIp': '${aws:SourceIp}' } },
      'is not an IP address or a range',
    ],
    [
      'of a number that is none',
      { NumericLessThan: { 'aws:EpochTime': 'soon' } },
      'must be seconds since 1970',
    ],
    ['of a date that is none', { DateLessThan: { 'aws:CurrentTime': 'soon' } }, '"soon" is not a date'],
    [
      'of a day that is none',
      { DateLessThan: { 'aws:CurrentTime': '2026-02-30' } },
      '"2026-02-30" is not a date',
    ],
    ['of a month that is none', { DateLessThan: { 'aws:CurrentTime': '2026-13-01' } }, 'is not a date'],
    [
      'of an hour that is none',
      { DateLessThan: { 'aws:CurrentTime': '2026-01-01T25:00:00Z' } },
      'is not a date',
    ],
    [
      'of a time without zone',
      { DateLessThan: { 'aws:CurrentTime': '2026-01-01T10:00:00' } },
      'is not a date',
    ],
    ['of a year alone', { DateLessThan: { 'aws:CurrentTime': '2026' } }, 'is not a date'],
    ['of a date without hyphens', { DateLessThan: { 'aws:CurrentTime': '20260131' } }, 'is not a date'],
  ])('%s', (_name, block, message) => {
    expect(() => parseConditions(block, 'Condition')).toThrow(
      expect.objectContaining({
        code: 'POLICY_INVALID',
        status: 400,
        message: expect.stringContaining(message),
      }),
    );
  });
});
