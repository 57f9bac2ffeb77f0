import { describe, expect, it } from 'vitest';
import { checkPolicyCost } from './policy-cost.ts';
import { parseIotPolicy } from './policy-document.ts';

const check = (Resource: string | string[], Condition?: object) => () =>
  checkPolicyCost(
    parseIotPolicy({
      Version: '2012-10-17',
      Statement: { Effect: 'Deny', Action: '*', Resource, ...(Condition ? { Condition } : {}) },
    }),
  );
const topic = (name: string) => `arn:aws:iot:*:*:topic/${name}`;

describe('a policy', () => {
  it.each([
    ['many names, the same for all devices', Array(64).fill(topic('app/${ioto:AccountId}/a/*'))],
    ['some names of the device', Array(16).fill(topic('app/${ioto:AccountId}/${iot:ClientId}/*'))],
    ['stars in front, in the middle and at the end', Array(3).fill(topic('*/a/*'))],
    ['a few question marks', [topic('*/???/*'), topic('????/*')]],
    ['escaped wildcards', [topic('${*}${?}'.repeat(100))]],
    ['everything', '*'],
  ])('with %s is taken', (_what, resources) => {
    expect(check(resources)).not.toThrow();
  });

  it.each([
    ['many names of the device', Array(17).fill(topic('${iot:ClientId}')), 68],
    ['more names than that', Array(65).fill(topic('a')), 65],
    ['a star between any two letters', [topic('*a'.repeat(5))], 65],
    ['question marks to be looked for everywhere', [topic(`*${'?'.repeat(15)}a*`)], 65],
    ['many texts to be looked for', Array(4).fill(topic(`*${'a'.repeat(64)}b*`)), 68],
    ['wildcards in REGION and ACCOUNT', [`arn:aws:iot:${'*?'.repeat(9)}x:${'*a'.repeat(3)}:topic/a`], 66],
    ['a long mask', [topic('?'.repeat(100))], 101],
  ])('with %s is refused, and told why', (_what, resources, cost) => {
    expect(check(resources)).toThrow(`policy: it costs ${cost} and may cost 64: a resource counts 1`);
  });

  it('counts what conditions compare', () => {
    const like = { StringLikeIfExists: { 'iot:ClientId': ['*a'.repeat(4), '*b'.repeat(3)] } };
    expect(check('*', like)).toThrow('it costs 81 ');
    const times = { NumericEquals: { 'aws:EpochTime': Array.from({ length: 70 }, (_, n) => n) } };
    expect(check('*', times)).toThrow('it costs 71 ');
    const names = { StringEquals: { 'iot:ClientId': Array.from({ length: 70 }, (_, n) => `${n}`) } };
    expect(check('*', names)).not.toThrow();
  });
});
