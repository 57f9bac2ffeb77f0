import { createPublicKey, type KeyObject, sign } from 'node:crypto';

/** Tags of the ASN.1 types that a request is made of [X.690 §8]. */
const TAG = {
  integer: 0x02,
  bitString: 0x03,
  oid: 0x06,
  utf8String: 0x0c,
  sequence: 0x30,
  set: 0x31,
  attributes: 0xa0,
};

const COMMON_NAME = Buffer.from('550403', 'hex'); // 2.5.4.3
const ECDSA_WITH_SHA256 = Buffer.from('2a8648ce3d040302', 'hex'); // 1.2.840.10045.4.3.2

/**
 * A PKCS#10 request as PEM for the subject `CN=id`, signed by the device's own P-256 key [RFC 2986 §4]. It has one fixed
 * shape, written down here: a library for every shape would cost a waiting device 15 MB and, at the very moment that its
 * owner claims it, a fifth of a second.
 */
export function makeCsr(id: string, privateKey: KeyObject): string {
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  const attribute = der(TAG.sequence, der(TAG.oid, COMMON_NAME), der(TAG.utf8String, Buffer.from(id)));
  const subject = der(TAG.sequence, der(TAG.set, attribute));
  const version = der(TAG.integer, Buffer.from([0]));
  const information = der(TAG.sequence, version, subject, publicKey, der(TAG.attributes));
  // A bit string begins with the number of its unused bits.
  const signature = Buffer.concat([Buffer.from([0]), sign('sha256', information, privateKey)]);
  const algorithm = der(TAG.sequence, der(TAG.oid, ECDSA_WITH_SHA256));
  return toPem(der(TAG.sequence, information, algorithm, der(TAG.bitString, signature)));
}

/** One value in DER: tag, length in its shortest form, content [X.690 §10.1]. */
function der(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const length = content.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const head =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...head]), ...content]);
}

function toPem(bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE REQUEST-----\n${lines.join('\n')}\n-----END CERTIFICATE REQUEST-----\n`;
}
