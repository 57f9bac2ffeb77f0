/** Milliseconds before their end at which credentials are renewed (Ioto contract §6). */
const EARLY = 20 * 60_000;
/** Share of that by which devices of a fleet are spread. */
const JITTER = 0.25;

/**
 * When credentials are renewed: 20 minutes before they expire, a little earlier at random; at half their life when that
 * is shorter than 40 minutes. Pure.
 *
 * @param random in [0, 1)
 */
export function renewalTime(facts: { now: number; expires: number; random: number }): number {
  const { now, expires, random } = facts;
  const early = Math.min(EARLY, Math.max(0, expires - now) / 2);
  return expires - early * (1 + JITTER * random);
}
