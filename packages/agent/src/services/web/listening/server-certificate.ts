import type { TlsOptions } from 'node:tls';
import { type Component, Recurring } from '@ioto/runtime';
import { expandPath } from '../../../config-loading/directories.ts';
import type { WebContext } from '../web-context.ts';
import { type KeyPair, ownCertificate } from './own-certificate.ts';
import { ProvisionedCertificate } from './provisioned-certificate.ts';
import { configuredCertificate, type TlsChoice, tlsOptions } from './tls-options.ts';

/** Milliseconds between two looks at whether the certificate is still the one to show. */
const CHECK = 43_200_000;

/**
 * Which certificate the web server shows: the one that the settings name; without one, that of the device cloud to who asks for
 * its name, and the device's own to all others. Looked at twice a day, as files may be replaced and certificates end.
 */
export class ServerCertificate implements Component {
  readonly name = 'web certificate';
  readonly #context: WebContext;
  readonly #choice: TlsChoice;
  readonly #show: (pair: KeyPair) => void;
  readonly #checking: Recurring;
  #ofCloud: ProvisionedCertificate | undefined;
  #shown: KeyPair | undefined;

  /** `show`: shows another one from now on. */
  constructor(context: WebContext, show: (pair: KeyPair) => void) {
    const { web, directories, complain, clock, logger } = context;
    this.#context = context;
    this.#show = show;
    this.#choice = {
      ...{ settings: web.tls, complain, logger },
      locate: (path: string) => expandPath(path, directories),
    };
    this.#checking = new Recurring({
      ...{ name: this.name, every: CHECK, clock, logger },
      failure: 'the certificate of the web server cannot be made anew: it stays as it is',
      turn: () => this.#check(),
    });
  }

  /** @throws what `complain` makes of settings that cannot be meant. */
  async options(): Promise<TlsOptions> {
    const options = tlsOptions(this.#choice);
    this.#shown ??= await this.#present();
    // A client that comes back within this time need not shake hands anew.
    const sessionTimeout = Math.min(Math.floor(this.#context.web.timeouts.tls / 1000), 604_800);
    const all = { ...options, ...this.#shown, sessionTimeout };
    if (this.#isConfigured) return all;
    const { provisioned: read, events, logger } = this.#context;
    this.#ofCloud ??= new ProvisionedCertificate({ read, events, logger });
    const ofCloud = this.#ofCloud;
    return {
      ...all,
      SNICallback: (name, done) => void ofCloud.contextFor(name).then((context) => done(null, context)),
    };
  }

  async start(): Promise<void> {
    await this.#checking.start();
  }

  async stop(): Promise<void> {
    await this.#checking.stop();
    this.#ofCloud?.close();
  }

  get #isConfigured(): boolean {
    return this.#choice.settings.certificate !== undefined;
  }

  async #present(): Promise<KeyPair> {
    const { directories, names, clock } = this.#context;
    return (
      configuredCertificate(this.#choice) ?? (await ownCertificate(directories.certs, names, clock.now()))
    );
  }

  async #check(): Promise<void> {
    const present = await this.#present();
    if (present.cert === this.#shown?.cert && present.key === this.#shown.key) return;
    this.#shown = present;
    this.#show(present);
  }
}
