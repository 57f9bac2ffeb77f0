import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, getCiphers, type TlsOptions } from 'node:tls';
import { type Logger, messageOf, systemCode } from '@ioto/runtime';
import type { AgentSettings } from '../../../config.ts';
import type { Complain } from '../complain.ts';
import type { KeyPair } from './own-certificate.ts';

type TlsSettings = AgentSettings['web']['tls'];

export interface TlsChoice {
  settings: TlsSettings;
  /** Makes an absolute path of one in the settings. */
  locate: (path: string) => string;
  complain: Complain;
  logger: Logger;
}

/**
 * What the settings say of HTTPS but for the certificate.
 *
 * @throws what `complain` makes of files and names that are none.
 */
export function tlsOptions({ settings, locate, complain, logger }: TlsChoice): TlsOptions {
  const { authority, verify, ciphers, minVersion } = settings;
  if (verify.client && verify.issuer && authority === undefined) {
    throw complain(['tls', 'authority'], 'is missing: tls.verify.client needs the authority of the clients');
  }
  return {
    ...(authority !== undefined && { ca: readFile(locate(authority), 'authority', complain) }),
    ...(verify.client && { requestCert: true, rejectUnauthorized: verify.issuer }),
    ...(ciphers !== undefined && { ciphers: cipherList(ciphers, complain, logger) }),
    minVersion: minVersion.endsWith('1.3') ? 'TLSv1.3' : 'TLSv1.2',
    ALPNProtocols: ['http/1.1'],
    honorCipherOrder: true,
  };
}

/**
 * The certificate that the settings name; undefined where they name none.
 *
 * @throws what `complain` makes of files that are no certificate and key, or not of each other.
 */
export function configuredCertificate({ settings, locate, complain }: TlsChoice): KeyPair | undefined {
  const { certificate, key = certificate } = settings;
  if (certificate === undefined || key === undefined) {
    if (key !== undefined) throw complain(['tls', 'certificate'], 'is missing: tls.key is the key of none');
    return undefined;
  }
  const cert = readFile(locate(certificate), 'certificate', complain);
  const pem = readFile(locate(key), 'key', complain);
  const name = settings.key === undefined ? 'certificate' : 'key';
  if (!/-----BEGIN (?:EC |RSA )?PRIVATE KEY-----/.test(pem)) {
    const where = name === 'key' ? '' : ': name the file of the key as tls.key';
    throw complain(['tls', name], `${locate(key)} holds no private key as PEM without a password${where}`);
  }
  let isOfEachOther: boolean;
  try {
    isOfEachOther = new X509Certificate(cert).checkPrivateKey(createPrivateKey(pem));
    if (isOfEachOther) createSecureContext({ cert, key: pem });
  } catch (error) {
    throw complain(['tls', name], `${locate(key)} cannot be used: ${messageOf(error)}`);
  }
  if (!isOfEachOther)
    throw complain(['tls', name], `${locate(key)} is not the key of ${locate(certificate)}`);
  return { cert, key: pem };
}

function readFile(path: string, name: string, complain: Complain): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw complain(['tls', name], `${path} cannot be read (${systemCode(error)})`);
  }
}

/** IANA's names are OpenSSL's in TLS 1.3; those of before are put together of the same words. */
function cipherList(ciphers: string | readonly string[], complain: Complain, logger: Logger): string {
  const names = typeof ciphers === 'string' ? ciphers.split(/[:,\s]+/) : ciphers;
  const known = new Set(getCiphers().map((name) => name.toUpperCase()));
  const list = names
    .filter(Boolean)
    .map((name) => (known.has(name.toUpperCase()) ? name : openSslName(name)));
  const [spoken, unknown] = [true, false].map((is) =>
    list.filter((name) => known.has(name.toUpperCase()) === is),
  );
  if (!spoken?.length) throw complain(['tls', 'ciphers'], 'names no cipher suite of this Node');
  // Files of Ioto list suites that OpenSSL has given up since; fewer of them are no weaker.
  if (unknown?.length) {
    logger.warn(
      { ciphers: unknown },
      'web.tls.ciphers names suites that this Node has not: they are left out',
    );
  }
  return spoken.join(':');
}

function openSslName(iana: string): string {
  return iana
    .replace(/^TLS_(?:RSA_WITH_)?/, '')
    .replace('_WITH_', '-')
    .replace(/AES_(\d+)_/, 'AES$1_')
    .replace('_CBC_', '_')
    .replaceAll('_', '-')
    .replace(/-CCM-8$/, '-CCM8')
    .replace(/-CHACHA20-POLY1305-SHA256$/, '-CHACHA20-POLY1305');
}
