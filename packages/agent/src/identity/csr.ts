import { createPublicKey, type KeyObject, sign } from 'node:crypto';
import { bits, commonName, context, der, ECDSA_WITH_SHA256, TAG, toPem } from './der.ts';

/**
 * A PKCS#10 request as PEM for the subject `CN=id`, signed by the device's own P-256 key [RFC 2986 §4]. It has one fixed
 * shape, written down here: a library for every shape would cost a waiting device 15 MB and, at the very moment that its
 * owner claims it, a fifth of a second.
 */
export function makeCsr(id: string, privateKey: KeyObject): string {
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  const version = der(TAG.integer, Buffer.from([0]));
  const information = der(TAG.sequence, version, commonName(id), publicKey, der(context(0)));
  const signature = bits(sign('sha256', information, privateKey));
  return toPem('CERTIFICATE REQUEST', der(TAG.sequence, information, ECDSA_WITH_SHA256, signature));
}
