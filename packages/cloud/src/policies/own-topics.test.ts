import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isOwnTopic, ownerOfTopic } from './own-topics.ts';

const account = fc.constantFrom(
  '01J0000000000000000000000A',
  '01J0000000000000000000000B',
  'A',
  'A/',
  '+',
  '',
);
const level = fc.constantFrom('app', 'App', '', '+', '#', 'A', '01J0000000000000000000000A', 'door');
const path = fc.array(level, { minLength: 1, maxLength: 5 }).map((levels) => levels.join('/'));

describe('topics of an account’s own', () => {
  it('have one owner, and are nobody else’s', () => {
    fc.assert(
      fc.property(path, account, (topic, accountId) => {
        const own = isOwnTopic(accountId, topic);
        if (!accountId.includes('/')) expect(own).toBe(ownerOfTopic(topic) === accountId);
        if (own) expect(topic.startsWith(`app/${accountId}/`)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['app/A/door', 'A'],
    ['app/A/', 'A'],
    ['app/A', undefined],
    ['app//x', ''],
    ['xapp/A/door', undefined],
    ['$aws/app/A/door', undefined],
  ])('%s belongs to %s', (topic, owner) => {
    expect(ownerOfTopic(topic)).toBe(owner);
  });
});
