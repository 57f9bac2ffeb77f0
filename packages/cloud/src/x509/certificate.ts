import { createHash, createPublicKey, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';
import {
  bitString,
  boolean,
  context,
  integer,
  octetString,
  oid,
  sequence,
  set,
  time,
  utf8String,
} from './der.ts';

const ECDSA_WITH_SHA256 = sequence(oid('1.2.840.10045.4.3.2'));
const VERSION_3 = context(0, true, integer(Buffer.from([2])));
const COMMON_NAME = oid('2.5.4.3');

/** Extensions that are the same in every certificate of a kind [RFC 5280 4.2.1]. */
const KEY_USAGE = '2.5.29.15';
const BASIC_CONSTRAINTS = extension('2.5.29.19', true, sequence());
const AUTHORITY_CONSTRAINTS = extension(
  '2.5.29.19',
  true,
  sequence(boolean(true), integer(Buffer.from([0]))),
);
const DIGITAL_SIGNATURE = extension(KEY_USAGE, true, bitString(Buffer.from([0b1000_0000]), 7));
const CERTIFICATE_AND_CRL_SIGN = extension(KEY_USAGE, true, bitString(Buffer.from([0b0000_0110]), 1));
const CLIENT_AUTH = extension('2.5.29.37', false, sequence(oid('1.3.6.1.5.5.7.3.2')));
const CLIENT_AND_SERVER_AUTH = extension(
  '2.5.29.37',
  false,
  sequence(oid('1.3.6.1.5.5.7.3.2'), oid('1.3.6.1.5.5.7.3.1')),
);
const SERVER_AUTH = extension('2.5.29.37', false, sequence(oid('1.3.6.1.5.5.7.3.1')));

/** What a certificate is for. An authority signs only certificates for ends, none for further authorities. */
export type CertificateUse =
  | { use: 'authority' }
  /** With names, of the device's own web server too. */
  | { use: 'device'; names?: readonly string[] }
  | { use: 'server'; names: readonly string[] };

export interface CertificateFacts {
  /** Common name, at most 64 letters. */
  subject: string;
  /** SPKI in DER of an EC P-256 key with an uncompressed point. */
  publicKey: Buffer;
  /** Milliseconds since the epoch. */
  notBefore: number;
  notAfter: number;
}

/** Who signs: the subject, the public key in SPKI DER and the private key of the authority. */
export interface Signer {
  subject: string;
  publicKey: Buffer;
  key: KeyObject;
}

export interface SignedCertificate {
  pem: string;
  /** Lower-case hexadecimal, 32 digits. */
  serial: string;
}

/** Builds and signs a certificate of X.509 version 3 with ECDSA and SHA-256. */
export function signCertificate(
  facts: CertificateFacts,
  use: CertificateUse,
  signer: Signer,
): SignedCertificate {
  const serial = newSerial();
  const body = sequence(
    VERSION_3,
    integer(serial),
    ECDSA_WITH_SHA256,
    name(signer.subject),
    sequence(time(facts.notBefore), time(facts.notAfter)),
    name(facts.subject),
    facts.publicKey,
    context(3, true, sequence(...extensions(facts, use, signer))),
  );
  const signature = sign('sha256', body, signer.key);
  const der = sequence(body, ECDSA_WITH_SHA256, bitString(signature));
  return { pem: toPem('CERTIFICATE', der), serial: serial.toString('hex') };
}

function extensions(facts: CertificateFacts, use: CertificateUse, signer: Signer): Buffer[] {
  const identifiers = [
    extension('2.5.29.14', false, octetString(keyIdentifier(facts.publicKey))),
    extension('2.5.29.35', false, sequence(context(0, false, keyIdentifier(signer.publicKey)))),
  ];
  switch (use.use) {
    case 'authority':
      return [AUTHORITY_CONSTRAINTS, CERTIFICATE_AND_CRL_SIGN, ...identifiers];
    case 'device':
      return [
        BASIC_CONSTRAINTS,
        DIGITAL_SIGNATURE,
        ...(use.names ? [CLIENT_AND_SERVER_AUTH, alternativeNames(use.names)] : [CLIENT_AUTH]),
        ...identifiers,
      ];
    case 'server':
      return [BASIC_CONSTRAINTS, DIGITAL_SIGNATURE, SERVER_AUTH, alternativeNames(use.names), ...identifiers];
  }
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  return sequence(oid(id), ...(critical ? [boolean(true)] : []), octetString(value));
}

function name(commonName: string): Buffer {
  return sequence(set(sequence(COMMON_NAME, utf8String(commonName))));
}

function alternativeNames(names: readonly string[]): Buffer {
  return extension('2.5.29.17', false, sequence(...names.map(alternativeName)));
}

function alternativeName(host: string): Buffer {
  const address = addressBytes(host);
  return address ? context(7, false, address) : context(2, false, Buffer.from(host, 'ascii'));
}

/** The four or sixteen bytes of an IP address, or undefined for a name. */
export function addressBytes(host: string): Buffer | undefined {
  if (isIPv4(host)) return Buffer.from(host.split('.').map(Number));
  if (!isIPv6(host)) return undefined;
  const [head = '', tail] = host.split('%')[0]?.split('::') ?? [];
  const left = groups(head);
  const right = groups(tail ?? '');
  const zeros = tail === undefined ? 0 : 16 - left.length - right.length;
  return Buffer.from([...left, ...Array<number>(zeros).fill(0), ...right]);
}

function groups(text: string): number[] {
  return text
    .split(':')
    .filter((group) => group !== '')
    .flatMap((group) => {
      if (group.includes('.')) return group.split('.').map(Number);
      const value = Number.parseInt(group, 16);
      return [value >> 8, value & 0xff];
    });
}

/** 126 random bits; the first byte is neither zero nor negative, so that every encoding has the same length. */
function newSerial(): Buffer {
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return serial;
}

/** Bytes before the point in the SPKI of a P-256 key. */
const SPKI_HEADER = 26;

/** SHA-1 of the public key's bits, method 1 of RFC 5280 4.2.1.2: a name, not a protection. */
function keyIdentifier(publicKey: Buffer): Buffer {
  return createHash('sha1').update(publicKey.subarray(SPKI_HEADER)).digest();
}

export function toPem(label: string, der: Buffer): string {
  const lines = der.toString('base64').replace(/.{64}(?=.)/g, '$&\n');
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}

/** SPKI DER of a key, public or private. */
export function publicKeyDer(key: KeyObject): Buffer {
  // Node wants the private KeyObject itself to derive its public half, and a public one as it is.
  const publicKey = key.type === 'public' ? key : createPublicKey(key);
  return publicKey.export({ type: 'spki', format: 'der' });
}

/** The SPKI DER in a canonical SPKI PEM: only its armour is taken off. */
export function spkiOfPem(pem: string): Buffer {
  return Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64');
}
