/**
 * The rules of topic names and filters (3.1.1, 4.7), and AWS IoT's reserved prefixes. Each function returns what is wrong,
 * with the clause, or undefined.
 */

export function topicNameFault(topic: string): string | undefined {
  if (topic === '') return 'an empty topic name [MQTT-4.7.3-1]';
  if (topic.includes('+') || topic.includes('#')) return 'a topic name with a wildcard [MQTT-3.3.2-2]';
  return undefined;
}

export function topicFilterFault(filter: string): string | undefined {
  if (filter === '') return 'an empty topic filter [MQTT-4.7.3-1]';
  const hash = filter.indexOf('#');
  if (hash >= 0 && (hash !== filter.length - 1 || (hash > 0 && filter[hash - 1] !== '/'))) {
    return 'a topic filter whose # is not its whole last level [MQTT-4.7.1-2]';
  }
  if (!filter.includes('+')) return undefined;
  const misplaced = filter.split('/').some((level) => level.length > 1 && level.includes('+'));
  return misplaced ? 'a topic filter whose + is not a whole level [MQTT-4.7.1-3]' : undefined;
}

/** What is wrong with the name of a shared subscription, if it is one (5.0, 4.8.2). */
export function shareNameFault(share: string | undefined): string | undefined {
  if (share === undefined) return undefined;
  if (share === '') return 'a shared subscription without a name [MQTT5-4.8.2-1]';
  return /[+#]/.test(share) ? 'a shared subscription with a wildcard in its name [MQTT5-4.8.2-2]' : undefined;
}

const BASIC_INGEST = '$aws/rules/';

/** True for `$aws/rules/…`: such messages go to the embedder only, nobody can subscribe to them. */
export function isBasicIngest(topic: string): boolean {
  return topic.startsWith(BASIC_INGEST);
}

/** Topics that are never retained: `$` is the server's own (3.1.1, 4.7.2). */
export function isReserved(topic: string): boolean {
  return topic.startsWith('$');
}

/** The part of a topic that counts against the limits: AWS does not count `$aws/rules/RULE/`. */
export function countedPart(topic: string): string {
  if (!isBasicIngest(topic)) return topic;
  const slash = topic.indexOf('/', BASIC_INGEST.length);
  return slash < 0 ? topic : topic.slice(slash + 1);
}

export function levelsOf(topic: string): number {
  let levels = 1;
  for (let at = topic.indexOf('/'); at >= 0; at = topic.indexOf('/', at + 1)) levels += 1;
  return levels;
}
