/**
 * True when the filter matches the topic name (3.1.1, 4.7): `+` is one level, `#` is the level before it and all below,
 * and neither matches a first level that begins with `$` [MQTT-4.7.2-1].
 */
export function matchesTopic(filter: string, topic: string): boolean {
  if (filter === topic) return true;
  if (topic.charCodeAt(0) === 36 && filter.charCodeAt(0) !== 36) return false;
  const wanted = filter.split('/');
  const levels = topic.split('/');
  for (const [index, want] of wanted.entries()) {
    if (want === '#') return true;
    const level = levels[index];
    if (level === undefined) return false;
    if (want !== '+' && want !== level) return false;
  }
  return wanted.length === levels.length;
}
