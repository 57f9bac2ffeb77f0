/** What is known of a certificate; times in milliseconds. */
export interface CertificateTimes {
  /** Serial number as the certificate has it. */
  serial: string;
  /** When it came to the device, which is what its life is counted from: clouds date certificates back a little. */
  obtained: number;
  expires: number;
}

/** What `@certs/renewal.json` says of the certificate that lies beside as `next.crt`. */
export interface RenewalRecord extends CertificateTimes {
  /** `issued`: it has not connected yet. `proven`: it has, and takes the place of the present one. */
  stage: 'issued' | 'proven';
  /** The certificate that it is to replace. */
  replaces: Pick<CertificateTimes, 'serial' | 'expires'>;
  /** Its key is `next.key`, not the identity key. */
  newKey: boolean;
}

export interface Standing {
  now: number;
  present: CertificateTimes;
  renewal: RenewalRecord | undefined;
  /** After a failure nothing is tried before that. */
  notBefore: number;
}

/**
 * `ask`: for another certificate. `prove`: connect with it. `swap`: put it in place of the present one. `drop`: it is of no
 * use.
 */
export type RenewalStep = 'wait' | 'ask' | 'prove' | 'swap' | 'drop';

/** The one next step. Each leaves the device with a certificate that it can connect with, wherever the power goes. */
export function renewalStep({ now, present, renewal, notBefore }: Standing): RenewalStep {
  if (!renewal) return now >= Math.max(dueTime(present), notBefore) ? 'ask' : 'wait';
  if (renewal.stage === 'proven') {
    return [renewal.replaces.serial, renewal.serial].includes(present.serial) ? 'swap' : 'drop';
  }
  // Another one was provisioned meanwhile, or this one has ended by itself.
  if (renewal.replaces.serial !== present.serial || renewal.expires <= now) return 'drop';
  return now >= notBefore ? 'prove' : 'wait';
}

/** Share of its life at which a certificate is renewed, and how far devices spread around it. */
const DUE = 2 / 3;
const SPREAD = 0.1;

/**
 * When a certificate is due. The spread is the certificate's own, by its serial number: a fleet that was made in one day is
 * not renewed in one day, and a restart changes nothing.
 */
export function dueTime({ serial, obtained, expires }: CertificateTimes): number {
  const draw = Number.parseInt(serial.slice(-6), 16) / 0x1000000;
  const share = DUE + (Number.isNaN(draw) ? 0 : (draw - 0.5) * SPREAD);
  return obtained + share * (expires - obtained);
}

const SHORTEST = 60_000;
const LONGEST = 24 * 3_600_000;

/**
 * Milliseconds from a failure to the next attempt: a tenth of what is left of the present certificate, so that it grows
 * urgent slowly, between a minute and a day; with a short life sooner than that minute.
 */
export function retryDelay({ obtained, expires }: CertificateTimes, now: number): number {
  const shortest = Math.min(SHORTEST, Math.max(1000, (expires - obtained) / 20));
  return Math.round(Math.min(LONGEST, Math.max(shortest, (expires - now) / 10)));
}
