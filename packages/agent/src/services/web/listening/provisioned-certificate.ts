import { X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { type Emitter, type Logger, messageOf } from '@ioto/runtime';
import type { AgentEvents } from '../../../agent-events.ts';
import type { KeyPair } from './own-certificate.ts';

export interface ProvisionedOptions {
  /** The certificate that the device cloud has given the device; undefined while there is none. */
  read: () => Promise<KeyPair | undefined>;
  events: Emitter<AgentEvents>;
  logger: Logger;
}

/** Extended key usages, of a server and any (RFC 5280 §4.2.1.12). */
const SERVER_USES = new Set(['1.3.6.1.5.5.7.3.1', '2.5.29.37.0']);

/**
 * The certificate of the device cloud in place of the device's own, for clients that ask for a name which it has: who trusts the
 * cloud's authority need not trust the device's word. A client that names the device otherwise, by an address for one, gets
 * the device's own, which has those names.
 */
export class ProvisionedCertificate {
  readonly #options: ProvisionedOptions;
  readonly #listening: (() => void)[];
  #present: Promise<{ certificate: X509Certificate; context: SecureContext } | undefined> | undefined;

  constructor(options: ProvisionedOptions) {
    this.#options = options;
    const forget = () => {
      this.#present = undefined;
    };
    const { events } = options;
    this.#listening = [
      events.on('device:provisioned', forget),
      events.on('certificate:renewed', forget),
      events.on('device:released', forget),
    ];
  }

  /** Undefined: the device's own certificate is the one for this name. */
  async contextFor(name: string): Promise<SecureContext | undefined> {
    this.#present ??= this.#read();
    const present = await this.#present;
    return present?.certificate.checkHost(name, { subject: 'never' }) ? present.context : undefined;
  }

  close(): void {
    for (const end of this.#listening) end();
  }

  async #read() {
    try {
      const pair = await this.#options.read();
      if (!pair) return undefined;
      const certificate = new X509Certificate(pair.cert);
      // What is for clients alone would be refused by every client.
      const uses = certificate.keyUsage as string[] | undefined;
      if (uses && !uses.some((use) => SERVER_USES.has(use))) return undefined;
      return { certificate, context: createSecureContext(pair) };
    } catch (error) {
      this.#options.logger.warn(
        { error: messageOf(error) },
        'the certificate of the cloud cannot be used by the web server',
      );
      return undefined;
    }
  }
}
