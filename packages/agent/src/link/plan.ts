/** What decides the next step towards the cloud. */
export interface Standing {
  /** Services that are on. */
  register: boolean;
  provision: boolean;
  mqtt: boolean;
  /** A certificate and the endpoint it is for are held. */
  certificate: boolean;
  /** A cloud and its token are known. */
  claimed: boolean;
  /** The endpoint refused the certificate, and nobody has been asked yet whether the device is still claimed. */
  refused: boolean;
  /** The device is still claimed although its certificate was refused: the cloud is asked for one again. */
  reissue: boolean;
  /** The certificate has ended, and no other was asked for on that account yet. */
  expired: boolean;
}

export type Step = 'register' | 'provision' | 'connect' | 'confirm' | 'rest';

/**
 * The one next step. A device that holds a certificate connects with it; only when that is refused does it ask anybody
 * anything (Ioto contract §4: never registers while it holds a certificate that the cloud accepts).
 */
export function nextStep(standing: Standing): Step {
  const { certificate, claimed, refused, reissue, expired } = standing;
  if (certificate && refused && standing.register) return 'confirm';
  // An endpoint closes on a certificate that has ended without a word: the device knows it as well by itself.
  if (certificate && (reissue || expired) && standing.provision) return 'provision';
  if (certificate) return standing.mqtt ? 'connect' : 'rest';
  if (claimed) return standing.provision ? 'provision' : 'rest';
  return standing.register ? 'register' : 'rest';
}

/** Bounds on the wait that a peer can ask for, in milliseconds: none at all would be a loop, and more than a day a lost device. */
const SHORTEST_ASKED = 1000;
const LONGEST_ASKED = 24 * 3_600_000;

/**
 * Milliseconds until the next attempt after a failure: what the peer asked for goes before the own backoff, spread a
 * little so that a fleet that was told the same does not come back in one moment.
 */
export function retryDelay(asked: number | undefined, backoff: number, random: number): number {
  if (asked === undefined) return backoff;
  const spread = Math.round(asked * (1 + 0.1 * random));
  return Math.min(LONGEST_ASKED, Math.max(SHORTEST_ASKED, spread));
}
