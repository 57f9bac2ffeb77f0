import { describe, expect, it } from 'vitest';
import { parseIotPolicy } from './policy-document.ts';

const document = (Resource: string[], Condition?: object) => ({
  Version: '2012-10-17',
  Statement: { Effect: 'Deny', Action: '*', Resource, ...(Condition ? { Condition } : {}) },
});
const topic = (name: string) => `arn:aws:iot:*:*:topic/${name}`;

describe('a policy', () => {
  it.each([
    ['many names with a star in front, in the middle and at the end', Array(32).fill(topic('*/a/*'))],
    ['many names with one star', Array(100).fill(topic('a/*/b'))],
    [
      'question marks before the first star and behind the last',
      Array(50).fill(topic('????????/*/????????')),
    ],
    ['a few question marks between stars', [topic('*/dev????/*').replace('dev', '')]],
    ['escaped stars', [topic('${*}a'.repeat(100))]],
  ])('with %s is taken', (_what, resources) => {
    expect(() => parseIotPolicy(document(resources))).not.toThrow();
  });

  it.each([
    ['a star between any two letters', [topic('*a'.repeat(40))], 39],
    ['question marks to be looked for everywhere', [topic(`*${'?'.repeat(8)}a*`)], 36],
    ['a little of that in many places', Array(33).fill(topic('*a*')), 33],
  ])('with %s is refused, and told why', (_what, resources, cost) => {
    expect(() => parseIotPolicy(document(resources))).toThrow(
      `policy: its wildcards cost ${cost} and may cost 32, where each text between two * counts 1`,
    );
  });

  it('counts what StringLike compares', () => {
    const like = { StringLikeIfExists: { 'iot:ClientId': ['*a'.repeat(20), '*b'.repeat(20)] } };
    expect(() => parseIotPolicy(document(['*'], like))).toThrow('cost 38 and may cost 32');
  });
});
