import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toolMayPublish, toolMayReceive, toolMaySubscribe } from './tool-policy.ts';

const OWN = 'JT08FFQXWQ';
const OTHER = 'K4PZ2M9RTA';
const MINE = '01J0000000000000000000000A';
const THEIRS = '01J0000000000000000000000B';
const tool = (role: 'admin' | 'user' | 'viewer') => ({ accountId: MINE, role });
const owns = (id: string) => id === OWN;

/** Topics as they might be: made of the words that count, in any order. */
const head = fc.constantFrom(
  ...[
    'ioto/device',
    'ioto/service',
    'ioto/account',
    'ioto/items',
    '$aws/things',
    '$aws/events/presence/connected',
  ],
  ...['$aws/events', '$aws/rules/IotoDevice/ioto/service', 'ioto', '$aws', '+/device', '#', 'x/ioto/device'],
);
const level = fc.constantFrom('all', 'shadow', 'sync', 'provision', '', OWN, OTHER, MINE, THEIRS, '+', '#');
const path = fc
  .tuple(head, fc.array(level, { maxLength: 4 }))
  .map(([start, levels]) => [start, ...levels].join('/'));

describe('the policy of tools', () => {
  it('never lets a message through whose topic names a device or an account of others', () => {
    fc.assert(
      fc.property(path, (topic) => {
        const received = toolMayReceive(tool('admin'), topic, owns);
        const published = toolMayPublish(tool('admin'), topic, owns);
        if (!received && !published) return;
        const own = topic.split('/').some((part) => part === OWN || part === MINE || part === 'all');
        expect(own).toBe(true);
        // Nothing owned, nothing heard but the words to all and to the account itself.
        expect(toolMayPublish(tool('admin'), topic, () => false)).toBe(false);
        if (toolMayReceive(tool('admin'), topic, () => false))
          expect(topic).toMatch(/^ioto\/(account|items)\//);
      }),
      { numRuns: 5000 },
    );
  });

  it('lets a role do all that a lower one may', () => {
    fc.assert(
      fc.property(path, (topic) => {
        const may = (['viewer', 'user', 'admin'] as const).map((role) =>
          toolMayPublish(tool(role), topic, owns),
        );
        expect(may).toEqual([...may].sort());
      }),
      { numRuns: 5000 },
    );
  });

  it('lets nobody subscribe at the first level by a wildcard, nor another’s device or account', () => {
    fc.assert(
      fc.property(path, (filter) => {
        if (!toolMaySubscribe(tool('admin'), filter, owns)) return;
        const [first, second, third] = filter.split('/');
        expect([first, second].some((part) => part === '+' || part === '#')).toBe(false);
        if (second !== 'events') expect([OTHER, THEIRS]).not.toContain(third);
      }),
      { numRuns: 5000 },
    );
  });

  it.each<[string, boolean]>([
    [`$aws/events/presence/connected/${OWN}`, true],
    [`$aws/events/presence/disconnected/${OTHER}`, false],
    [`$aws/events/subscriptions/subscribed/${OWN}`, true],
    [`$aws/things/${OWN}/shadow/name/a/update/delta`, true],
    [`$aws/things/${OWN}/jobs/notify`, true],
    [`$aws/things/${OTHER}/shadow/update/delta`, false],
    [`ioto/device/${OWN}/sync/UPSERT`, true],
    [`ioto/service/${OTHER}/test/ping`, false],
    ['ioto/account/all/sync/UPSERT', true],
    [`ioto/items/${MINE}/${OTHER}/Store`, true],
    [`ioto/items/${THEIRS}/${OWN}/Store`, false],
    [`ioto/items/all/${OWN}/Store`, false],
    [`ioto/account/${MINE}/sync/UPSERT`, true],
    [`x/ioto/account/${MINE}/sync`, false],
  ])('hears %s: %s', (topic, may) => {
    expect(toolMayReceive(tool('viewer'), topic, owns)).toBe(may);
  });
});
