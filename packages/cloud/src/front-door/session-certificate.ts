import { oid, TAG } from '../x509/der.ts';
import { DerReader } from '../x509/der-reader.ts';

const COMMON_NAME = oid('2.5.4.3');

/** Where OpenSSL's encoding of a session has the peer's certificate: context-specific 3. */
const PEER = 0xa3;
/** Of earlier protocols, the time of the session, and how long it is good. */
const BEFORE_PEER = [0x80, 0xa1, 0xa2];

/** Context-specific 0 of a certificate. */
const VERSION = 0xa0;
const PRINTABLE_STRING = 0x13;

export interface CertificateFacts {
  /** Common name of the subject. */
  commonName: string;
  /** Lower-case hexadecimal. */
  serial: string;
}

/**
 * Whom the peer's certificate in a TLS session names. `TLSSocket.getSession()` costs a tenth of `getPeerX509Certificate()`,
 * which copies the certificate and then looks for a decoder of its key: 0.35 ms of each handshake. Undefined for a session
 * without one, or in a form that this does not know.
 */
export function certificateOfSession(session: Buffer): CertificateFacts | undefined {
  try {
    return readSession(session);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** What stands before the certificate: version, protocol, cipher, ID and key, then what has a tag of its own. */
function readSession(session: Buffer): CertificateFacts | undefined {
  const fields = sequenceOf(new DerReader(session));
  for (const tag of [TAG.integer, TAG.integer, TAG.octetString, TAG.octetString, TAG.octetString])
    fields.next(tag);
  for (const tag of BEFORE_PEER) fields.optional(tag);
  const peer = fields.optional(PEER);
  return peer && readCertificate(sequenceOf(new DerReader(peer.content)));
}

/** [RFC 5280 4.1]. */
function readCertificate(certificate: DerReader): CertificateFacts | undefined {
  const fields = sequenceOf(certificate);
  fields.optional(VERSION);
  const serial = fields.next(TAG.integer).content;
  // The signature's algorithm, the issuer, the validity.
  for (let before = 0; before < 3; before += 1) fields.next(TAG.sequence);
  const subject = sequenceOf(fields);
  while (!subject.atEnd) {
    const attribute = sequenceOf(new DerReader(subject.next(TAG.set).content));
    if (!attribute.next(TAG.oid).whole.equals(COMMON_NAME)) continue;
    const name = attribute.optional(TAG.utf8String) ?? attribute.next(PRINTABLE_STRING);
    return { commonName: name.content.toString('utf8'), serial: hexOf(serial) };
  }
  return undefined;
}

function sequenceOf(reader: DerReader): DerReader {
  return new DerReader(reader.next(TAG.sequence).content);
}

/** As OpenSSL prints it: without the zero that only keeps it positive. */
function hexOf(serial: Buffer): string {
  return (serial.length > 1 && serial[0] === 0 ? serial.subarray(1) : serial).toString('hex');
}
