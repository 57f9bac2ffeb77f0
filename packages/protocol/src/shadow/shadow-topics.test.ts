import { describe, expect, it } from 'vitest';
import { isShadowName, parseShadowTopic, SHADOW_NEWS, SHADOW_VERBS, shadowTopic } from './shadow-topics.ts';

describe('a topic of a shadow', () => {
  it('is read as it was built', () => {
    for (const name of [undefined, 'config', 'get', 'name']) {
      for (const verb of SHADOW_VERBS) {
        const facts = { thing: 'D1', verb, ...(name === undefined ? {} : { name }) };
        expect(parseShadowTopic(shadowTopic.request('D1', name, verb))).toEqual(facts);
        for (const news of SHADOW_NEWS) {
          const isTold = verb === 'update' || news === 'accepted' || news === 'rejected';
          const parsed = parseShadowTopic(shadowTopic.news('D1', name, verb, news));
          expect(parsed).toEqual(isTold ? { ...facts, news } : undefined);
        }
      }
    }
  });

  it.each([
    '$aws/things/D1/shadow',
    '$aws/things/D1/shadow/name',
    '$aws/things/D1/shadow/name/x',
    '$aws/things//shadow/get',
  ])('is none that nobody asks: %s', (topic) => expect(parseShadowTopic(topic)).toBeUndefined());

  it.each([
    '$aws/things/D1/shadow/put',
    '$aws/things/D1/shadow/get/x',
    '$aws/things/D1/shadow/get/accepted/x',
    'aws/things/D1/shadow/get',
  ])('is none that is not in the contract: %s', (topic) => expect(parseShadowTopic(topic)).toBeUndefined());

  it('names shadows by letters, digits and a few signs', () => {
    expect(['$package:x_1-2', 'a'.repeat(64)].every(isShadowName)).toBe(true);
    expect(['', 'a'.repeat(65), 'a b', 'ä', 'a/b'].some(isShadowName)).toBe(false);
  });
});
