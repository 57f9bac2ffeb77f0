/** Topics of an account's own, for what its devices and tools say to each other. */
const OWN = 'app/';

/**
 * True for a topic, or a filter, that lies within the topics of one account whatever its wildcards match: what a policy
 * allows counts there only, so that no account's policy reaches into another.
 */
export function isOwnTopic(accountId: string, topic: string): boolean {
  return topic.startsWith(OWN) && topic.startsWith(`${accountId}/`, OWN.length);
}

/** The account whose own topic it is. */
export function ownerOfTopic(topic: string): string | undefined {
  if (!topic.startsWith(OWN)) return undefined;
  const end = topic.indexOf('/', OWN.length);
  return end < 0 ? undefined : topic.slice(OWN.length, end);
}

/** The filter that matches the topics of an account's own. */
export function ownTopics(accountId: string): string {
  return `${OWN}${accountId}/#`;
}
