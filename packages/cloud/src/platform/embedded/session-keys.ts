import { createHash } from 'node:crypto';

/** First byte of a key. */
export const SPACE = { meta: 0, session: 1, message: 2, retained: 3 } as const;

/** Byte after the session's number, in the order in which the records of a session are read. */
export const PART = { facts: 0, unreleased: 1, subscription: 2, delivery: 3 } as const;

/** Last byte of a delivery's keys: the message as it was queued, and how far it has come since. */
export const STAGE = { queued: 0, progress: 1 } as const;

/** Where the version of the whole store stands. */
export const META_KEY = Buffer.from([SPACE.meta]);

/** Bytes of numbers in keys. */
const WIDE = 6;
const SESSION_SIZE = 1 + WIDE;

/** Bytes of a digest that stands for a topic, which may be longer than a key. */
const DIGEST = 16;

/** All records of a session, side by side. */
export function sessionRange(session: number): { start: Buffer; end: Buffer } {
  return { start: sessionKey(session), end: sessionKey(session + 1) };
}

function sessionKey(session: number, more = 0): Buffer {
  const key = Buffer.alloc(SESSION_SIZE + more);
  key[0] = SPACE.session;
  key.writeUIntBE(session, 1, WIDE);
  return key;
}

function partKey(session: number, part: number, more = 0): Buffer {
  const key = sessionKey(session, 1 + more);
  key[SESSION_SIZE] = part;
  return key;
}

export function factsKey(session: number): Buffer {
  return partKey(session, PART.facts);
}

export function unreleasedKey(session: number, packetId: number): Buffer {
  const key = partKey(session, PART.unreleased, 2);
  key.writeUInt16BE(packetId, SESSION_SIZE + 1);
  return key;
}

export function subscriptionKey(session: number, filter: string): Buffer {
  return Buffer.concat([partKey(session, PART.subscription), digest(filter)]);
}

export function deliveryKey(session: number, sequence: number, stage: number): Buffer {
  const key = partKey(session, PART.delivery, WIDE + 1);
  key.writeUIntBE(sequence, SESSION_SIZE + 1, WIDE);
  key[SESSION_SIZE + 1 + WIDE] = stage;
  return key;
}

export function messageKey(message: number): Buffer {
  const key = Buffer.alloc(1 + WIDE);
  key[0] = SPACE.message;
  key.writeUIntBE(message, 1, WIDE);
  return key;
}

export function retainedKey(topic: string): Buffer {
  return Buffer.concat([Buffer.from([SPACE.retained]), digest(topic)]);
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest().subarray(0, DIGEST);
}

/** What a key is of. */
export type ParsedKey =
  | { of: 'meta' }
  | { of: 'session'; session: number; part: 'facts' | 'subscription' }
  | { of: 'session'; session: number; part: 'unreleased'; packetId: number }
  | { of: 'session'; session: number; part: 'delivery'; sequence: number; stage: number }
  | { of: 'message'; message: number }
  | { of: 'retained' };

/** The inverse of the functions above; undefined for a key that is of none of them. */
export function parseKey(key: Buffer): ParsedKey | undefined {
  if (key[0] === SPACE.meta && key.length === 1) return { of: 'meta' };
  if (key[0] === SPACE.message && key.length === 1 + WIDE)
    return { of: 'message', message: key.readUIntBE(1, WIDE) };
  if (key[0] === SPACE.retained && key.length === 1 + DIGEST) return { of: 'retained' };
  if (key[0] !== SPACE.session || key.length <= SESSION_SIZE) return undefined;
  return parseSessionKey(key, key.readUIntBE(1, WIDE));
}

function parseSessionKey(key: Buffer, session: number): ParsedKey | undefined {
  const part = key[SESSION_SIZE];
  const rest = SESSION_SIZE + 1;
  const size = key.length - rest;
  if (part === PART.facts && size === 0) return { of: 'session', session, part: 'facts' };
  if (part === PART.subscription && size === DIGEST) return { of: 'session', session, part: 'subscription' };
  if (part === PART.unreleased && size === 2)
    return { of: 'session', session, part: 'unreleased', packetId: key.readUInt16BE(rest) };
  if (part !== PART.delivery || size !== WIDE + 1) return undefined;
  const sequence = key.readUIntBE(rest, WIDE);
  return { of: 'session', session, part: 'delivery', sequence, stage: key[rest + WIDE] as number };
}
