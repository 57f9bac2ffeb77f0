import type { Clock } from '@ioto/runtime';
import type { EndpointPrincipal } from '../../ports/device-endpoint.ts';

/** Ends connections when the credential ends that they came with. */
export class CredentialEnds {
  readonly #clock: Clock;
  readonly #timers = new Map<EndpointPrincipal, () => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `end` once the credential is over, unless the connection was forgotten before. */
  watch(principal: EndpointPrincipal, end: () => void): void {
    if (principal.expires === undefined) return;
    const left = principal.expires - this.#clock.now();
    this.#timers.set(principal, this.#clock.after(left, end, { unref: true }));
  }

  forget(principal: EndpointPrincipal): void {
    this.#timers.get(principal)?.();
    this.#timers.delete(principal);
  }
}
