import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY = 86_400_000;

export interface IssuedCertificate {
  /** PEM */
  certificate: string;
  /** PKCS#8 PEM */
  key: string;
}

export interface IssueOptions {
  commonName: string;
  dnsNames?: string[];
  /** Milliseconds since the epoch. */
  notBefore?: number;
  notAfter?: number;
}

/** A certificate authority that signs whatever a test asks for, expired or for somebody else. */
export class TestAuthority {
  /** PEM of the authority's own certificate. */
  readonly certificate: string;
  readonly #issuer: string;
  readonly #key: webcrypto.CryptoKey;

  private constructor(certificate: string, issuer: string, key: webcrypto.CryptoKey) {
    this.certificate = certificate;
    this.#issuer = issuer;
    this.#key = key;
  }

  static async create(name = 'CN=Test authority'): Promise<TestAuthority> {
    const keys = await newKeys();
    const certificate = await x509.X509CertificateGenerator.createSelfSigned(
      {
        name,
        keys,
        serialNumber: newSerial(),
        notBefore: new Date(Date.now() - DAY),
        notAfter: new Date(Date.now() + DAY),
        signingAlgorithm: ALGORITHM,
        extensions: [
          new x509.BasicConstraintsExtension(true, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        ],
      },
      webcrypto,
    );
    return new TestAuthority(`${certificate.toString('pem')}\n`, certificate.subject, keys.privateKey);
  }

  /** An authority that already exists, so that a test can sign in its name. `key` is PKCS#8 PEM of an EC P-256 key. */
  static async from(certificatePem: string, keyPem: string): Promise<TestAuthority> {
    const der = x509.PemConverter.decodeFirst(keyPem);
    const key = await webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign']);
    return new TestAuthority(certificatePem, new x509.X509Certificate(certificatePem).subject, key);
  }

  async issue({ commonName, dnsNames = [], notBefore, notAfter }: IssueOptions): Promise<IssuedCertificate> {
    const keys = await newKeys();
    const certificate = await x509.X509CertificateGenerator.create(
      {
        subject: `CN=${commonName}`,
        issuer: this.#issuer,
        publicKey: keys.publicKey,
        signingKey: this.#key,
        serialNumber: newSerial(),
        notBefore: new Date(notBefore ?? Date.now() - DAY / 24),
        notAfter: new Date(notAfter ?? Date.now() + DAY),
        signingAlgorithm: ALGORITHM,
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          ...(dnsNames.length > 0
            ? [new x509.SubjectAlternativeNameExtension(dnsNames.map((value) => ({ type: 'dns', value })))]
            : []),
        ],
      },
      webcrypto,
    );
    const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
    return {
      certificate: `${certificate.toString('pem')}\n`,
      key: `${x509.PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n`,
    };
  }
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, [
    'sign',
    'verify',
  ]) as Promise<webcrypto.CryptoKeyPair>;
}

function newSerial(): string {
  const bytes = Buffer.from(webcrypto.getRandomValues(new Uint8Array(12)));
  // A leading zero nibble keeps the serial positive.
  return `0${bytes.toString('hex').slice(1)}`;
}
