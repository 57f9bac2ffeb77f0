import { createPublicKey, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';
import { bits, commonName, context, der, ECDSA_WITH_SHA256, oid, TAG, toPem } from '../../../identity/der.ts';

export interface SelfSignedOptions {
  /** P-256. */
  key: KeyObject;
  /** Host names and IP addresses that it is for; the first is its subject. */
  names: readonly string[];
  /** Milliseconds since 1970. */
  from: number;
  to: number;
}

const EXTENSION = {
  keyUsage: oid('551d0f'), // 2.5.29.15
  subjectAltName: oid('551d11'), // 2.5.29.17
  basicConstraints: oid('551d13'), // 2.5.29.19
  extendedKeyUsage: oid('551d25'), // 2.5.29.37
};
const SERVER_AUTH = oid('2b06010505070301'); // 1.3.6.1.5.5.7.3.1

/**
 * A certificate of a server, as PEM, that vouches for itself [RFC 5280 §4.1]: for browsers that are told to trust it, and for
 * an encrypted way to a device before anybody vouches for it.
 */
export function selfSigned({ key, names, from, to }: SelfSignedOptions): string {
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const name = commonName(names[0] ?? 'localhost');
  // Positive, and never with a zero before it that could be left out.
  const serial = randomBytes(16);
  serial[0] = ((serial[0] as number) & 0x3f) | 0x40;
  const certificate = der(
    TAG.sequence,
    der(context(0), der(TAG.integer, Buffer.from([2]))),
    der(TAG.integer, serial),
    ECDSA_WITH_SHA256,
    name,
    der(TAG.sequence, time(from), time(to)),
    name,
    publicKey,
    der(
      context(3),
      der(
        TAG.sequence,
        extension(EXTENSION.basicConstraints, der(TAG.sequence), true),
        extension(EXTENSION.keyUsage, bits(Buffer.from([0x80]), 7), true),
        extension(EXTENSION.extendedKeyUsage, der(TAG.sequence, SERVER_AUTH)),
        extension(EXTENSION.subjectAltName, der(TAG.sequence, ...names.map(alternative))),
      ),
    ),
  );
  const signature = bits(sign('sha256', certificate, key));
  return toPem('CERTIFICATE', der(TAG.sequence, certificate, ECDSA_WITH_SHA256, signature));
}

function extension(id: Buffer, value: Buffer, critical = false): Buffer {
  const flag = critical ? [der(TAG.boolean, Buffer.from([0xff]))] : [];
  return der(TAG.sequence, id, ...flag, der(TAG.octetString, value));
}

/** Of whole seconds; years up to 2049 have two digits [RFC 5280 §4.1.2.5]. */
function time(at: number): Buffer {
  const digits = new Date(at).toISOString().replace(/\.\d+/, '').replace(/[-:T]/g, '');
  const isShort = digits < '2050';
  return der(
    isShort ? TAG.utcTime : TAG.generalizedTime,
    Buffer.from(isShort ? digits.slice(2) : digits, 'latin1'),
  );
}

/** A name of the subject: an address by its bytes, or a host name [RFC 5280 §4.2.1.6]. */
function alternative(name: string): Buffer {
  if (isIPv4(name)) return der(0x87, Buffer.from(name.split('.').map(Number)));
  if (isIPv6(name)) return der(0x87, addressBytes(name));
  return der(0x82, Buffer.from(name, 'latin1'));
}

function addressBytes(address: string): Buffer {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address.split('%', 1)[0] ?? '');
  const [, before = '', ...parts] = dotted ?? [];
  const [a = 0, b = 0, c = 0, d = 0] = parts.map(Number);
  const plain = dotted
    ? `${before}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
    : (address.split('%', 1)[0] ?? '');
  const [left = '', right] = plain.split('::');
  const words = (text: string) =>
    text === '' ? [] : text.split(':').map((word) => Number.parseInt(word, 16));
  const [first, last] = [words(left), right === undefined ? [] : words(right)];
  const all = [...first, ...Array(8 - first.length - last.length).fill(0), ...last] as number[];
  return Buffer.from(all.flatMap((word) => [word >> 8, word & 0xff]));
}
