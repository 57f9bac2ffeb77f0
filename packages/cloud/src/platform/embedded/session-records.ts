import type { Message, MessageProperties, StoredDelivery, StoredSession, Subscription } from '@ioto/mqtt';
import { errorCatalogue } from '@ioto/runtime';
import { RecordReader, RecordWriter } from './record-bytes.ts';

/** First byte of every record. */
export const RECORD_VERSION = 1;

export const sessionStoreError = errorCatalogue({
  /** The files are no session store, or cannot be read. */
  SESSIONS_UNREADABLE: {},
  /** Records of a later version of this program: to read them as ours would lose what they say. */
  SESSIONS_NEWER: {},
  /** One record is not what it should be; `details.record` names it. */
  SESSION_RECORD_CORRUPT: {},
  /** The disk refuses; the same changes may come again. */
  SESSIONS_UNWRITABLE: { status: 503, retryable: true },
  SESSIONS_CLOSED: { status: 503, retryable: true },
});

export type SessionFactsRecord = Pick<StoredSession, 'clientId' | 'owner' | 'expiry' | 'expiresAt'>;

/** How far a delivery has come since it was written down as queued. */
export interface Progress {
  packetId?: number;
  released?: boolean;
}

/** A delivery as it is stored: with its message, or with the number of a message that many share. */
export type DeliveryRecord = Omit<StoredDelivery, 'message' | 'sequence'> &
  ({ message: Message; shared?: undefined } | { message?: undefined; shared: number });

function writer(): RecordWriter {
  return new RecordWriter().byte(RECORD_VERSION);
}

/**
 * Reads one record with `read`; `name` says which it is in messages.
 *
 * @throws SESSIONS_NEWER, SESSION_RECORD_CORRUPT
 */
export function readRecord<T>(name: string, bytes: Buffer, read: (reader: RecordReader) => T): T {
  const reader = new RecordReader(bytes);
  const version = bytes[0];
  if (version !== undefined && version > RECORD_VERSION) {
    const message = `${name} is of version ${version}; this program knows ${RECORD_VERSION}`;
    throw sessionStoreError('SESSIONS_NEWER', message, { details: { record: name } });
  }
  try {
    if (reader.byte() !== RECORD_VERSION) throw new RangeError('no version');
    const value = read(reader);
    reader.end();
    return value;
  } catch (error) {
    const problem = (error as Error).message;
    throw sessionStoreError('SESSION_RECORD_CORRUPT', `${name} cannot be read: ${problem}`, {
      cause: error,
      details: { record: name },
    });
  }
}

/** The value of a record whose key says it all. */
export const BARE_RECORD = Buffer.from([RECORD_VERSION]);

function flagsOf(...set: boolean[]): number {
  return set.reduce((flags, each, bit) => flags | (each ? 1 << bit : 0), 0);
}

export function factsRecord({ clientId, owner, expiry, expiresAt }: SessionFactsRecord): Buffer {
  const record = writer();
  record
    .byte(flagsOf(owner !== undefined, expiresAt !== undefined))
    .text(clientId)
    .number(expiry);
  if (owner !== undefined) record.text(owner);
  if (expiresAt !== undefined) record.number(expiresAt);
  return record.finish();
}

export function readFacts(reader: RecordReader): SessionFactsRecord {
  const flags = reader.byte();
  const clientId = reader.text();
  const expiry = reader.number();
  const owner = flags & 1 ? reader.text() : undefined;
  const expiresAt = flags & 2 ? reader.number() : undefined;
  return { clientId, owner, expiry, expiresAt };
}

export function subscriptionRecord(subscription: Subscription): Buffer {
  const { filter, topicFilter, share, qos, noLocal, retainAsPublished, identifiers } = subscription;
  const record = writer();
  record.byte(qos).byte(flagsOf(noLocal, retainAsPublished, share !== undefined, identifiers !== undefined));
  record.text(filter).text(topicFilter);
  if (share !== undefined) record.text(share);
  if (identifiers) writeIdentifiers(record, identifiers);
  return record.finish();
}

export function readSubscription(reader: RecordReader): Subscription {
  const qos = readQos(reader.byte());
  const flags = reader.byte();
  const filter = reader.text();
  const topicFilter = reader.text();
  const share = flags & 4 ? reader.text() : undefined;
  const identifiers = flags & 8 ? readIdentifiers(reader) : undefined;
  const options = { noLocal: (flags & 1) !== 0, retainAsPublished: (flags & 2) !== 0 };
  return { filter, topicFilter, qos, share, identifiers, ...options };
}

export function deliveryRecord(delivery: DeliveryRecord): Buffer {
  const { message, shared, qos, retain, released, identifiers, queuedAt, packetId } = delivery;
  const record = writer();
  record.byte(qos).byte(flagsOf(retain, released, identifiers !== undefined, shared !== undefined));
  record.whole(packetId).number(queuedAt);
  if (identifiers) writeIdentifiers(record, identifiers);
  if (message) writeMessage(record, message);
  else record.whole(shared);
  return record.finish();
}

export function readDelivery(reader: RecordReader): DeliveryRecord {
  const qos = readQos(reader.byte());
  const flags = reader.byte();
  const packetId = reader.whole();
  const queuedAt = reader.number();
  const identifiers = flags & 4 ? readIdentifiers(reader) : undefined;
  const facts = {
    qos,
    retain: (flags & 1) !== 0,
    released: (flags & 2) !== 0,
    identifiers,
    queuedAt,
    packetId,
  };
  return flags & 8 ? { ...facts, shared: reader.whole() } : { ...facts, message: readMessage(reader) };
}

export function progressRecord({ packetId, released = false }: Progress): Buffer {
  const record = writer().byte(flagsOf(released, packetId !== undefined));
  if (packetId !== undefined) record.whole(packetId);
  return record.finish();
}

export function readProgress(reader: RecordReader): Progress {
  const flags = reader.byte();
  const progress: Progress = {};
  if (flags & 1) progress.released = true;
  if (flags & 2) progress.packetId = reader.whole();
  return progress;
}

export function messageRecord(message: Message): Buffer {
  const record = writer();
  writeMessage(record, message);
  return record.finish();
}

function writeMessage(record: RecordWriter, message: Message): void {
  const { topic, payload, qos, retain, properties, expiresAt, publisher, retainedAt } = message;
  const optional = [properties, expiresAt, publisher, retainedAt].map((each) => each !== undefined);
  record.byte(qos).byte(flagsOf(retain, ...optional));
  record.text(topic).bytes(payload);
  if (properties) writeProperties(record, properties);
  if (expiresAt !== undefined) record.number(expiresAt);
  if (publisher !== undefined) record.text(publisher);
  if (retainedAt !== undefined) record.number(retainedAt);
}

export function readMessage(reader: RecordReader): Message {
  const qos = readQos(reader.byte());
  const flags = reader.byte();
  const topic = reader.text();
  const payload = reader.bytes();
  const properties = flags & 2 ? readProperties(reader) : undefined;
  const expiresAt = flags & 4 ? reader.number() : undefined;
  const publisher = flags & 8 ? reader.text() : undefined;
  const retainedAt = flags & 16 ? reader.number() : undefined;
  const retain = (flags & 1) !== 0;
  return {
    topic,
    payload,
    qos,
    retain,
    properties,
    expiresAt,
    publisher,
    ...(retainedAt ? { retainedAt } : {}),
  };
}

function writeProperties(record: RecordWriter, properties: MessageProperties): void {
  const { payloadFormatIndicator, contentType, responseTopic, correlationData, userProperties } = properties;
  const all = [payloadFormatIndicator, contentType, responseTopic, correlationData, userProperties];
  record.byte(flagsOf(...all.map((each) => each !== undefined)));
  if (payloadFormatIndicator !== undefined) record.byte(payloadFormatIndicator);
  if (contentType !== undefined) record.text(contentType);
  if (responseTopic !== undefined) record.text(responseTopic);
  if (correlationData !== undefined) record.bytes(correlationData);
  if (userProperties === undefined) return;
  record.whole(userProperties.length);
  for (const [name, value] of userProperties) record.text(name).text(value);
}

function readProperties(reader: RecordReader): MessageProperties {
  const flags = reader.byte();
  const properties: MessageProperties = {};
  if (flags & 1) properties.payloadFormatIndicator = reader.byte();
  if (flags & 2) properties.contentType = reader.text();
  if (flags & 4) properties.responseTopic = reader.text();
  if (flags & 8) properties.correlationData = reader.bytes();
  if (flags & 16) {
    properties.userProperties = [];
    for (let left = reader.whole(); left > 0; left -= 1)
      properties.userProperties.push([reader.text(), reader.text()]);
  }
  return properties;
}

function writeIdentifiers(record: RecordWriter, identifiers: readonly number[]): void {
  record.whole(identifiers.length);
  for (const identifier of identifiers) record.whole(identifier);
}

function readIdentifiers(reader: RecordReader): number[] {
  const identifiers: number[] = [];
  for (let left = reader.whole(); left > 0; left -= 1) identifiers.push(reader.whole());
  return identifiers;
}

function readQos(value: number): 0 | 1 | 2 {
  if (value > 2) throw new RangeError(`QoS ${value}`);
  return value as 0 | 1 | 2;
}
