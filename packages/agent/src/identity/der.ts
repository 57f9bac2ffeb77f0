/** Tags of the ASN.1 types that requests and certificates are made of [X.690 §8]. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** A tag of the context, such as `[3]`, around other values. */
export const context = (number: number) => 0xa0 + number;

/** One value in DER: tag, length in its shortest form, content [X.690 §10.1]. Up to 64 KB. */
export function der(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const length = content.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const head =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...head]), ...content]);
}

/** An object identifier by the hexadecimal digits of its content. */
export const oid = (hex: string) => der(TAG.oid, Buffer.from(hex, 'hex'));

/** Whole bytes as a bit string, which begins with the number of its unused bits. */
export const bits = (bytes: Uint8Array, unused = 0) => der(TAG.bitString, Buffer.from([unused]), bytes);

/** The name `CN=name` [RFC 5280 §4.1.2.4]. */
export function commonName(name: string): Buffer {
  const attribute = der(TAG.sequence, oid('550403'), der(TAG.utf8String, Buffer.from(name))); // 2.5.4.3
  return der(TAG.sequence, der(TAG.set, attribute));
}

export const ECDSA_WITH_SHA256 = der(TAG.sequence, oid('2a8648ce3d040302')); // 1.2.840.10045.4.3.2

export function toPem(label: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
