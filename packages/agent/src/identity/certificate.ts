import { type KeyObject, X509Certificate } from 'node:crypto';
import { CodedError } from '@ioto/runtime';
import type { CertificateFacts } from '../agent-events.ts';

/** The first certificate of a PEM. @throws CERTIFICATE_UNREADABLE */
export function readCertificate(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw new CodedError('CERTIFICATE_UNREADABLE', 'the device certificate is not a PEM certificate', {
      cause: error,
    });
  }
}

/** What may be told of a certificate. */
export function certificateFacts(certificate: X509Certificate): CertificateFacts {
  return {
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    serialNumber: certificate.serialNumber,
    fingerprint: certificate.fingerprint256,
    validFrom: new Date(certificate.validFrom).toISOString(),
    expires: new Date(certificate.validTo).toISOString(),
  };
}

/**
 * Whether a certificate is one that this device can use: of its own ID and its own key. Its time is not judged here,
 * since a device's clock may be wrong before its first contact; the endpoint does.
 *
 * @throws CERTIFICATE_FOREIGN
 */
export function requireOwnCertificate(certificate: X509Certificate, id: string, key: KeyObject): void {
  const names = certificate.subject.split('\n');
  if (!names.includes(`CN=${id}`)) {
    throw new CodedError(
      'CERTIFICATE_FOREIGN',
      `the certificate that came is for ${oneLine(certificate.subject)}, not for ${id}`,
    );
  }
  if (!certificate.checkPrivateKey(key)) {
    throw new CodedError(
      'CERTIFICATE_FOREIGN',
      'the certificate that came does not belong to the key of this device',
    );
  }
}

function oneLine(name: string): string {
  return name.split('\n').join(', ');
}
