import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
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
            tree.add(each, each, 0);
            held.add(each);
          } else {
            tree.remove(each, each);
            held.delete(each);
          }
        }
        const expected = [...held].filter((each) => matchesTopic(each, name));
        expect([...tree.match(name).keys()].sort()).toEqual(expected.sort());
        for (const each of held) tree.remove(each, each);
        expect(tree.isEmpty).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('a subscriber with overlapping filters is found once, with the highest QoS [MQTT-3.3.5-1]', () => {
    const tree = new SubscriptionTree<string>();
    tree.add('a/#', 'x', 0);
    tree.add('a/+', 'x', 1);
    tree.add('a/b', 'x', 0);
    expect([...tree.match('a/b')]).toEqual([['x', 1]]);
  });
});
