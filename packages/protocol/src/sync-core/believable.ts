/**
 * Milliseconds that a device's clock may be ahead of the cloud's: a day, which a wrong time zone explains. A time that
 * lies further ahead would win against every later change, the owner's too, for as long as that.
 */
export const MOST_AHEAD = 86_400_000;

/** True when the time lies no more than a day (and `slack` milliseconds) ahead of `now`. */
export function isBelievable(updated: string, now: number, slack = 0): boolean {
  return Date.parse(updated) - now <= MOST_AHEAD + slack;
}
