import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Qos } from '../codec/packets.ts';
import { subscriptionOf } from '../session/subscription.ts';
import { SubscriptionTree } from './subscription-tree.ts';
import { matchesTopic } from './topic-match.ts';
import { countedPart, isBasicIngest, levelsOf, topicFilterFault, topicNameFault } from './topic-rules.ts';

describe('matchesTopic', () => {
  it.each([
    ['sport/tennis/#', 'sport/tennis', true],
    ['sport/tennis/#', 'sport/tennis/a/b', true],
    ['sport/tennis/#', 'sport/tennis2', false],
    ['#', 'a/b', true],
    ['#', '$SYS/x', false],
    ['+/x', '$SYS/x', false],
    ['$SYS/#', '$SYS/x', true],
    ['$SYS/+', '$SYS/x', true],
    ['+', 'a', true],
    ['+', '/a', false],
    ['+/+', '/a', true],
    ['/+', '/a', true],
    ['a/+', 'a/', true],
    ['a/+', 'a', false],
    ['a/+/c', 'a/b/c', true],
    ['a/b', 'A/b', false],
    ['a', 'a/b', false],
  ])('%s and %s: %s (4.7)', (filter, topic, expected) => {
    expect(matchesTopic(filter, topic)).toBe(expected);
  });
});

describe('topic rules', () => {
  it.each(['a#', 'a/#/b', '#/a', 'a+', '+a', 'a/b+/c', ''])('%j is no filter', (filter) => {
    expect(topicFilterFault(filter)).toMatch(/MQTT-4\.7/);
  });

  it.each(['#', '+', 'a/#', '+/a/+', '/', '//', 'a b', '$SYS/#'])('%j is a filter', (filter) => {
    expect(topicFilterFault(filter)).toBeUndefined();
  });

  it('a topic name is not empty and has no wildcards', () => {
    expect(topicNameFault('')).toMatch('MQTT-4.7.3-1');
    expect(topicNameFault('a/+')).toMatch('MQTT-3.3.2-2');
    expect(topicNameFault('a/#')).toMatch('MQTT-3.3.2-2');
    expect(topicNameFault('/a b/')).toBeUndefined();
  });

  it('the basic ingest prefix does not count against the limits', () => {
    expect(isBasicIngest('$aws/rules/R/a/b')).toBe(true);
    expect(countedPart('$aws/rules/R/a/b')).toBe('a/b');
    expect(countedPart('$aws/things/x')).toBe('$aws/things/x');
    expect(levelsOf('a/b')).toBe(2);
  });
});

const subscription = (filter: string, qos: Qos = 0, identifier?: number) =>
  subscriptionOf({ filter, qos }, identifier);

describe('SubscriptionTree', () => {
  const level = fc.constantFrom('a', 'b', '', '$s');
  const topic = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'));
  const filter = fc
    .tuple(fc.array(fc.oneof(level, fc.constant('+')), { minLength: 1, maxLength: 3 }), fc.boolean())
    .map(([levels, hash]) => [...levels, ...(hash ? ['#'] : [])].join('/'));

  it('finds exactly the filters that match one by one, after any additions and removals', () => {
    const steps = fc.array(fc.record({ filter, add: fc.boolean() }), { maxLength: 30 });
    fc.assert(
      fc.property(steps, topic, (list, name) => {
        const tree = new SubscriptionTree<string>();
        const held = new Set<string>();
        for (const { filter: each, add } of list) {
          if (add) {
            tree.add(each, subscription(each));
            held.add(each);
          } else {
            tree.remove(each, subscription(each));
            held.delete(each);
          }
        }
        const expected = [...held].filter((each) => matchesTopic(each, name));
        expect(
          tree
            .match(name)
            .targets.map(({ subscriber }) => subscriber)
            .sort(),
        ).toEqual(expected.sort());
        for (const each of held) tree.remove(each, subscription(each));
        expect(tree.isEmpty).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('never passes over a subscriber of a topic below another', () => {
    fc.assert(
      fc.property(fc.array(filter, { maxLength: 4 }), topic, level, (filters, above, below) => {
        const tree = new SubscriptionTree<string>();
        for (const each of filters) tree.add(each, subscription(each));
        if (tree.match(`${above}/${below}`).targets.length > 0) expect(tree.reaches(above)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    ['a/b/+', true],
    ['a/b/c/d', true],
    ['a/#', true],
    ['$share/g/a/+/#', true],
    ['a/b', true],
    ['a/+', true],
    ['$share/g/a/b', true],
    ['a', false],
    ['a/c/#', false],
    ['+', false],
  ])('a subscription of %s may get what is on a/b or below: %s', (each, may) => {
    const tree = new SubscriptionTree<string>();
    tree.add('x', subscription(each));
    expect(tree.reaches('a/b')).toBe(may);
  });

  it('a subscriber with overlapping filters is found once, with the highest QoS [MQTT-3.3.5-1]', () => {
    const tree = new SubscriptionTree<string>();
    tree.add('x', subscription('a/#', 0, 7));
    tree.add('x', subscription('a/+', 1));
    tree.add('x', subscription('a/b', 0, 9));
    const { targets } = tree.match('a/b');
    expect(targets).toMatchObject([{ subscriber: 'x', grant: { qos: 1 } }]);
    expect([...(targets[0]?.grant.identifiers ?? [])].sort()).toEqual([7, 9]);
  });

  it('every change has another version, so that what was found can be kept until then', () => {
    const tree = new SubscriptionTree<string>();
    const versions = [tree.version];
    tree.add('x', subscription('a'));
    versions.push(tree.version);
    tree.match('a');
    expect(tree.version).toBe(versions[1]);
    tree.remove('x', subscription('a'));
    versions.push(tree.version);
    expect(new Set(versions).size).toBe(3);
  });

  it('a shared subscription takes turns among its members, and leaves nothing behind', () => {
    const tree = new SubscriptionTree<string>();
    for (const member of ['x', 'y', 'z']) tree.add(member, subscription('$share/g/a/+'));
    tree.add('x', subscription('$share/h/a/+'));
    const { targets, groups } = tree.match('a/b');
    expect(targets).toEqual([]);
    expect(groups).toHaveLength(2);
    const firsts = Array.from({ length: 4 }, () => [...(groups[0]?.turn() ?? [])][0]?.[0]);
    expect(firsts).toEqual(['x', 'y', 'z', 'x']);
    for (const member of ['x', 'y', 'z']) tree.remove(member, subscription('$share/g/a/+'));
    tree.remove('x', subscription('$share/h/a/+'));
    expect(tree.isEmpty).toBe(true);
  });
});
