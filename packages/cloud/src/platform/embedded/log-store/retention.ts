const DAY = 86_400_000;

/**
 * Milliseconds since 1970 before which nothing of a group is kept; undefined where everything is.
 *
 * @param days undefined: for ever.
 */
export function oldestOf(days: number | undefined, now: number): number | undefined {
  return days === undefined ? undefined : now - days * DAY;
}
