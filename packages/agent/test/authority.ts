import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

const EC = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const HOUR = 3_600_000;

/** A certificate authority for tests, which also signs what a device asks for. */
export class Authority {
  readonly #certificate: x509.X509Certificate;
  readonly #keys: webcrypto.CryptoKeyPair;

  private constructor(certificate: x509.X509Certificate, keys: webcrypto.CryptoKeyPair) {
    this.#certificate = certificate;
    this.#keys = keys;
  }

  static async create(name = 'CN=Test authority'): Promise<Authority> {
    const keys = await newKeys();
    const certificate = await x509.X509CertificateGenerator.createSelfSigned(
      {
        name,
        keys,
        ...validity(24 * HOUR),
        signingAlgorithm: EC,
        extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
      },
      webcrypto,
    );
    return new Authority(certificate, keys);
  }

  /** PEM. */
  get pem(): string {
    return this.#certificate.toString('pem');
  }

  /** A server's certificate and PKCS#8 key, both PEM. */
  async issueServer(dnsName: string): Promise<{ cert: string; key: string }> {
    const keys = await newKeys();
    const cert = await this.#sign(`CN=${dnsName}`, keys.publicKey, 24 * HOUR, dnsName);
    const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
    return { cert, key: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY') };
  }

  /** The certificate for a PKCS#10 request, its signature checked; `lifetime` in milliseconds. */
  async signCsr(pem: string, lifetime = HOUR): Promise<string> {
    const request = new x509.Pkcs10CertificateRequest(pem);
    if (!(await request.verify(webcrypto))) throw new Error('the request is not signed by its key');
    return this.#sign(request.subject, await request.publicKey.export(EC, ['verify'], webcrypto), lifetime);
  }

  async #sign(
    subject: string,
    publicKey: webcrypto.CryptoKey,
    lifetime: number,
    dns?: string,
  ): Promise<string> {
    const certificate = await x509.X509CertificateGenerator.create(
      {
        subject,
        issuer: this.#certificate.subject,
        publicKey,
        signingKey: this.#keys.privateKey,
        ...validity(lifetime),
        signingAlgorithm: EC,
        extensions:
          dns === undefined ? [] : [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: dns }])],
      },
      webcrypto,
    );
    return `${certificate.toString('pem')}\n`;
  }
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(EC, true, ['sign', 'verify']) as Promise<webcrypto.CryptoKeyPair>;
}

function validity(lifetime: number): { notBefore: Date; notAfter: Date; serialNumber: string } {
  const serial = Buffer.from(webcrypto.getRandomValues(new Uint8Array(8))).toString('hex');
  return {
    notBefore: new Date(Date.now() - HOUR),
    notAfter: new Date(Date.now() + lifetime),
    serialNumber: `0${serial.slice(1)}`,
  };
}
