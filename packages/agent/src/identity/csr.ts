import { createPublicKey, type KeyObject } from 'node:crypto';

const EC_P256 = { name: 'ECDSA', namedCurve: 'P-256' };

/**
 * A PKCS#10 request as PEM for the subject `CN=id`, signed by the device's own key. The library is loaded here and not
 * before: a device needs it once in its ownership, and its memory all other days.
 */
export async function makeCsr(id: string, privateKey: KeyObject): Promise<string> {
  await import('reflect-metadata');
  const { Pkcs10CertificateRequestGenerator } = await import('@peculiar/x509');
  const publicKey = createPublicKey(privateKey);
  const { subtle } = globalThis.crypto;
  const keys = {
    privateKey: await subtle.importKey(
      'pkcs8',
      privateKey.export({ type: 'pkcs8', format: 'der' }),
      EC_P256,
      false,
      ['sign'],
    ),
    publicKey: await subtle.importKey(
      'spki',
      publicKey.export({ type: 'spki', format: 'der' }),
      EC_P256,
      true,
      ['verify'],
    ),
  };
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [id] }],
    keys,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
  });
  return `${request.toString('pem').trimEnd()}\n`;
}
