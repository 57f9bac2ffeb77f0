import { Agent, type RequestOptions, request } from 'node:https';
import type { ConnectionOptions } from 'node:tls';

export type TlsOptions = RequestOptions & Pick<ConnectionOptions, 'ALPNProtocols'>;

/** Keeps connections apart by the protocol that they were made for; Node does so for everything else of TLS. */
export class AlpnAgent extends Agent {
  override getName(options: TlsOptions = {}): string {
    return `${super.getName(options)}:${options.ALPNProtocols ?? ''}`;
  }
}

export { request as httpsRequest };
