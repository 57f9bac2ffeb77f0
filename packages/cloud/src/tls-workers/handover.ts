import { DOORS, type Door } from '../front-door/doors.ts';
import type { Peer } from '../ports/device-endpoint.ts';

/** What a worker says of a connection before the bytes of its peer. */
export interface Handover {
  /** What proves that a worker says it. */
  secret: Buffer;
  door: Door;
  peer: Peer;
}

/** What the first bytes of a handed-on connection say; `length` of them are the header, the rest is the peer's. */
export type ReadHandover =
  | { state: 'incomplete' }
  | { state: 'malformed' }
  | { state: 'complete'; handover: Handover; length: number };

/** Bytes of the secret. */
export const SECRET_LENGTH = 32;

/** Bytes of a header with its length: names in certificates of this cloud are short. */
export const LONGEST_HANDOVER = 1024;

/**
 * The header of a connection: its own length in two bytes, the secret, the door, the remote address, and the device ID
 * and serial number of a certificate where there is one, each behind its length in two bytes.
 *
 * @throws RangeError for what does not fit, or a secret of another length.
 */
export function buildHandover({ secret, door, peer }: Handover): Buffer {
  if (secret.length !== SECRET_LENGTH) throw new RangeError('a secret of another length');
  const { remoteAddress, certificate } = peer;
  const texts = [remoteAddress, ...(certificate ? [certificate.deviceId, certificate.serial] : [])];
  const fields = texts.map((text) => Buffer.from(text, 'utf8')).flatMap((bytes) => [lengthOf(bytes), bytes]);
  const body = Buffer.concat([secret, Buffer.from([DOORS.indexOf(door)]), ...fields]);
  if (body.length > LONGEST_HANDOVER - 2) throw new RangeError('a header that is too long');
  return Buffer.concat([lengthOf(body), body]);
}

/** The inverse. Pure; call it again with more bytes while it is incomplete. The secret is for the caller to check. */
export function readHandover(bytes: Buffer): ReadHandover {
  if (bytes.length < 2) return { state: 'incomplete' };
  const length = 2 + bytes.readUInt16BE(0);
  if (length > LONGEST_HANDOVER || length < 2 + SECRET_LENGTH + 1) return { state: 'malformed' };
  if (bytes.length < length) return { state: 'incomplete' };
  const secret = bytes.subarray(2, 2 + SECRET_LENGTH);
  const door = DOORS[bytes[2 + SECRET_LENGTH] as number];
  const texts = textsOf(bytes.subarray(2 + SECRET_LENGTH + 1, length));
  if (!door || !texts) return { state: 'malformed' };
  const [remoteAddress, deviceId, serial] = texts;
  if (remoteAddress === undefined || (texts.length !== 1 && texts.length !== 3))
    return { state: 'malformed' };
  const certificate = deviceId === undefined || serial === undefined ? undefined : { deviceId, serial };
  return { state: 'complete', handover: { secret, door, peer: { remoteAddress, certificate } }, length };
}

function lengthOf(bytes: Buffer): Buffer {
  const length = Buffer.alloc(2);
  // Throws RangeError where it does not fit.
  length.writeUInt16BE(bytes.length);
  return length;
}

function textsOf(bytes: Buffer): string[] | undefined {
  const texts: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (at + 2 > bytes.length) return undefined;
    const end = at + 2 + bytes.readUInt16BE(at);
    if (end > bytes.length) return undefined;
    texts.push(bytes.toString('utf8', at + 2, end));
    at = end;
  }
  return texts;
}
