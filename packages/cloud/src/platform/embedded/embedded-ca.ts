import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  X509Certificate,
} from 'node:crypto';
import { join } from 'node:path';
import {
  type Clock,
  type Component,
  errorCatalogue,
  type Logger,
  messageOf,
  readTextIfPresent,
  writeFileDurably,
} from '@ioto/runtime';
import type {
  CertificateAuthority,
  IssuedCertificate,
  ServerIdentity,
  ServerIdentitySource,
} from '../../ports/certificate-authority.ts';
import { publicKeyDer, type Signer, signCertificate, spkiOfPem } from '../../x509/certificate.ts';
import { keyOfRequest } from '../../x509/certificate-request.ts';
import { needsRenewal, serverNames } from './server-certificate.ts';

const DAY = 86_400_000;
const AUTHORITY_LIFE = 30 * 365 * DAY;
/** Browsers refuse server certificates of more than 825 days, and public ones of more than 398. */
const SERVER_LIFE = 397 * DAY;
const RENEWAL_CHECK = DAY / 2;
/** Certificates begin a little in the past, for peers whose clocks are behind. */
const BACKDATE = 3_600_000;

const fail = errorCatalogue({ CA_UNREADABLE: {}, CA_KEY_MISSING: {}, CA_NOT_STARTED: {} });

export interface EmbeddedCaOptions {
  /** State directory: `ca.crt` is public, `ca.key` and `server.pem` have mode 0600. */
  directory: string;
  /** Names of the server beyond the local ones. */
  hosts: readonly string[];
  /** Life of a device certificate in milliseconds; default two years. */
  deviceCertificateLife?: number;
  clock: Clock;
  logger: Logger;
}

/** The certificate authority of a cloud on one machine. Made at the first start, kept in the state directory. */
export class EmbeddedCa implements Component, CertificateAuthority, ServerIdentitySource {
  readonly name = 'certificate authority';
  readonly #options: EmbeddedCaOptions;
  readonly #listeners = new Set<(identity: ServerIdentity) => void>();
  #signer: Signer | undefined;
  #authority = '';
  #server: ServerIdentity | undefined;
  #renewing: Promise<ServerIdentity> | undefined;
  #cancelCheck: (() => void) | undefined;

  constructor(options: EmbeddedCaOptions) {
    this.#options = options;
  }

  get authority(): string {
    return this.#authority;
  }

  /** @throws CA_UNREADABLE, CA_KEY_MISSING */
  async start(): Promise<void> {
    await this.#loadOrMakeAuthority();
    await this.serverIdentity();
    this.#scheduleCheck();
  }

  async stop(): Promise<void> {
    this.#cancelCheck?.();
    this.#cancelCheck = undefined;
  }

  keyOfRequest(csr: string): string {
    return keyOfRequest(csr);
  }

  async certify(deviceId: string, publicKey: string): Promise<IssuedCertificate> {
    const now = this.#options.clock.now();
    const issued = now - BACKDATE;
    const expires = now + (this.#options.deviceCertificateLife ?? 2 * 365 * DAY);
    const facts = {
      subject: deviceId,
      publicKey: spkiOfPem(publicKey),
      notBefore: issued,
      notAfter: expires,
    };
    const { pem, serial } = signCertificate(
      facts,
      { use: 'device', ...this.#webNames(deviceId) },
      this.#started(),
    );
    return {
      certificate: pem,
      serial,
      publicKey,
      deviceId,
      issued: isoSeconds(issued),
      expires: isoSeconds(expires),
    };
  }

  /**
   * The name that a device's own web server may go by. None that this cloud goes by itself: a device of such an ID could
   * pose as the cloud.
   */
  #webNames(deviceId: string): { names?: string[] } {
    const name = `${deviceId.toLowerCase()}.local`;
    return serverNames(this.#options.hosts).includes(name) ? {} : { names: [name] };
  }

  async certifyNewKey(deviceId: string): Promise<IssuedCertificate & { key: string }> {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const publicKey = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
    // SEC1 form: the TLS libraries of old agents read `EC PRIVATE KEY`, and everybody else does too.
    const key = pair.privateKey.export({ type: 'sec1', format: 'pem' }).toString();
    return { ...(await this.certify(deviceId, publicKey)), key };
  }

  serverIdentity(): Promise<ServerIdentity> {
    // One at a time: two that renew at once would leave listeners with a certificate that is not the stored one.
    this.#renewing ??= this.#currentServer().finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  async #currentServer(): Promise<ServerIdentity> {
    const { directory, hosts, clock } = this.#options;
    const path = join(directory, 'server.pem');
    const names = serverNames(hosts);
    const stored = this.#server ?? this.#parseServer(await readTextIfPresent(path));
    const needed = needsRenewal(stored?.certificate, { authority: this.#authority, names, now: clock.now() });
    if (stored && !needed) {
      this.#server = stored;
      return stored;
    }
    const made = this.#makeServer(names);
    await writeFileDurably(path, made.key + made.certificate);
    this.#server = made;
    for (const listener of this.#listeners) listener(made);
    return made;
  }

  onRenewal(listener: (identity: ServerIdentity) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #started(): Signer {
    if (!this.#signer) throw fail('CA_NOT_STARTED', 'the certificate authority has not been started');
    return this.#signer;
  }

  async #loadOrMakeAuthority(): Promise<void> {
    const { directory } = this.#options;
    const keyPath = join(directory, 'ca.key');
    const certificatePath = join(directory, 'ca.crt');
    const keyPem = await readTextIfPresent(keyPath);
    const certificate = await readTextIfPresent(certificatePath);
    if (certificate && !keyPem) {
      throw fail(
        'CA_KEY_MISSING',
        `${certificatePath} is there without ${keyPath}: restore the key from a backup, or remove the certificate too and provision every device anew`,
      );
    }
    const key = keyPem ? readKey(keyPem, keyPath) : await makeKey(keyPath);
    this.#signer = { key, publicKey: publicKeyDer(key), subject: authorityName(key) };
    if (certificate) {
      checkAuthority(certificate, key, certificatePath);
      this.#authority = certificate;
    } else {
      // The subject depends on the key alone: after a power cut between the two files, the same authority comes back.
      this.#authority = this.#selfSign(this.#signer);
      await writeFileDurably(certificatePath, this.#authority, { mode: 0o644 });
    }
  }

  #selfSign(signer: Signer): string {
    const now = this.#options.clock.now();
    const { subject, publicKey } = signer;
    const facts = { subject, publicKey, notBefore: now - DAY, notAfter: now + AUTHORITY_LIFE };
    return signCertificate(facts, { use: 'authority' }, signer).pem;
  }

  #makeServer(names: readonly string[]): ServerIdentity {
    const now = this.#options.clock.now();
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const facts = {
      subject: (names[0] ?? 'localhost').slice(0, 64),
      publicKey: publicKeyDer(pair.publicKey),
      notBefore: now - BACKDATE,
      notAfter: now + SERVER_LIFE,
    };
    return {
      certificate: signCertificate(facts, { use: 'server', names }, this.#started()).pem,
      key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      authority: this.#authority,
      expires: isoSeconds(facts.notAfter),
    };
  }

  /** One file holds key and certificate, so that a power cut cannot leave one without the other. */
  #parseServer(text: string | undefined): ServerIdentity | undefined {
    const key = text && /-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----\n/.exec(text)?.[0];
    const certificate = text && /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/.exec(text)?.[0];
    if (!key || !certificate) return undefined;
    try {
      const x509 = new X509Certificate(certificate);
      if (!x509.checkPrivateKey(createPrivateKey(key))) return undefined;
      const expires = new Date(x509.validTo).toISOString();
      return { key, certificate, authority: this.#authority, expires };
    } catch {
      return undefined;
    }
  }

  #scheduleCheck(): void {
    const { clock, logger } = this.#options;
    this.#cancelCheck = clock.after(
      RENEWAL_CHECK,
      () => {
        this.#scheduleCheck();
        this.serverIdentity().catch((error) =>
          logger.error({ error: messageOf(error) }, 'cannot renew the server certificate'),
        );
      },
      { unref: true },
    );
  }
}

async function makeKey(path: string): Promise<KeyObject> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  await writeFileDurably(path, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  return privateKey;
}

function readKey(pem: string, path: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return key;
  } catch (error) {
    throw fail('CA_UNREADABLE', `${path} is not a private key in PEM: restore it from a backup`, {
      cause: error,
    });
  }
  throw fail('CA_UNREADABLE', `${path} is not an EC P-256 key: restore it from a backup`);
}

function checkAuthority(pem: string, key: KeyObject, path: string): void {
  let matches = false;
  try {
    matches = new X509Certificate(pem).checkPrivateKey(key);
  } catch {
    matches = false;
  }
  if (!matches)
    throw fail(
      'CA_UNREADABLE',
      `${path} is not the certificate of ca.key beside it: restore both from a backup`,
    );
}

function authorityName(key: KeyObject): string {
  return `Ioto CA ${createHash('sha256').update(publicKeyDer(key)).digest('hex').slice(0, 12)}`;
}

/** Certificates count whole seconds. */
function isoSeconds(ms: number): string {
  return new Date(Math.floor(ms / 1000) * 1000).toISOString();
}
