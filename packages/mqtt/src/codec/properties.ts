import { malformed, mqttError } from '../errors.ts';
import { FieldReader } from './field-reader.ts';
import { FieldWriter, variableBytes } from './packet-bytes.ts';
import type { PacketType } from './packets.ts';

/** The properties of MQTT 5 (5.0, 2.2.2), of whatever packet; `RULES` tells which may stand where. */
export interface Properties {
  /** 1: the payload is UTF-8 text. */
  payloadFormatIndicator?: number;
  /** Seconds. */
  messageExpiryInterval?: number;
  contentType?: string;
  responseTopic?: string;
  correlationData?: Buffer;
  /** One in SUBSCRIBE; in PUBLISH one for each subscription that matched. */
  subscriptionIdentifiers?: number[];
  /** Seconds; 0xFFFFFFFF is for ever. */
  sessionExpiryInterval?: number;
  assignedClientIdentifier?: string;
  /** Seconds. */
  serverKeepAlive?: number;
  authenticationMethod?: string;
  /** A secret: never logged. */
  authenticationData?: Buffer;
  requestProblemInformation?: number;
  /** Seconds. */
  willDelayInterval?: number;
  requestResponseInformation?: number;
  responseInformation?: string;
  serverReference?: string;
  reasonString?: string;
  /** Unacknowledged QoS 1 and 2 messages that the sender of this takes. */
  receiveMaximum?: number;
  topicAliasMaximum?: number;
  topicAlias?: number;
  maximumQoS?: number;
  retainAvailable?: number;
  userProperties?: [string, string][];
  /** Bytes. */
  maximumPacketSize?: number;
  wildcardSubscriptionAvailable?: number;
  subscriptionIdentifierAvailable?: number;
  sharedSubscriptionAvailable?: number;
}

/** A packet, or the will within CONNECT. */
export type PropertyPlace = PacketType | 'will';

type Kind = 'byte' | 'uint16' | 'uint32' | 'variable' | 'text' | 'binary' | 'pair';

interface PropertyRule {
  id: number;
  name: keyof Properties;
  kind: Kind;
  places: ReadonlySet<PropertyPlace>;
  /** Smallest and largest value, for numbers. */
  least: number;
  most: number;
}

const MESSAGE: PropertyPlace[] = ['publish', 'will'];
const EVERYWHERE: PropertyPlace[] = [
  ...MESSAGE,
  'connect',
  'connack',
  'puback',
  'pubrec',
  'pubrel',
  'pubcomp',
  'subscribe',
  'suback',
  'unsubscribe',
  'unsuback',
  'disconnect',
  'auth',
];
const ANSWERS = EVERYWHERE.filter(
  (place) => ![...MESSAGE, 'connect', 'subscribe', 'unsubscribe'].includes(place),
);

const LARGEST: Record<Kind, number> = {
  byte: 1, // Every byte property is a yes or no, or a QoS below 2.
  uint16: 0xffff,
  uint32: 0xffff_ffff,
  variable: 268_435_455,
  text: 0,
  binary: 0,
  pair: 0,
};

function rule(id: number, name: keyof Properties, kind: Kind, places: PropertyPlace[], least = 0) {
  return { id, name, kind, places: new Set(places), least, most: LARGEST[kind] };
}

/** 5.0, table 2-4. */
export const RULES: readonly PropertyRule[] = [
  rule(0x01, 'payloadFormatIndicator', 'byte', MESSAGE),
  rule(0x02, 'messageExpiryInterval', 'uint32', MESSAGE),
  rule(0x03, 'contentType', 'text', MESSAGE),
  rule(0x08, 'responseTopic', 'text', MESSAGE),
  rule(0x09, 'correlationData', 'binary', MESSAGE),
  rule(0x0b, 'subscriptionIdentifiers', 'variable', ['publish', 'subscribe'], 1),
  rule(0x11, 'sessionExpiryInterval', 'uint32', ['connect', 'connack', 'disconnect']),
  rule(0x12, 'assignedClientIdentifier', 'text', ['connack']),
  rule(0x13, 'serverKeepAlive', 'uint16', ['connack']),
  rule(0x15, 'authenticationMethod', 'text', ['connect', 'connack', 'auth']),
  rule(0x16, 'authenticationData', 'binary', ['connect', 'connack', 'auth']),
  rule(0x17, 'requestProblemInformation', 'byte', ['connect']),
  rule(0x18, 'willDelayInterval', 'uint32', ['will']),
  rule(0x19, 'requestResponseInformation', 'byte', ['connect']),
  rule(0x1a, 'responseInformation', 'text', ['connack']),
  rule(0x1c, 'serverReference', 'text', ['connack', 'disconnect']),
  rule(0x1f, 'reasonString', 'text', ANSWERS),
  rule(0x21, 'receiveMaximum', 'uint16', ['connect', 'connack'], 1),
  rule(0x22, 'topicAliasMaximum', 'uint16', ['connect', 'connack']),
  rule(0x23, 'topicAlias', 'uint16', ['publish']),
  rule(0x24, 'maximumQoS', 'byte', ['connack']),
  rule(0x25, 'retainAvailable', 'byte', ['connack']),
  rule(0x26, 'userProperties', 'pair', EVERYWHERE),
  rule(0x27, 'maximumPacketSize', 'uint32', ['connect', 'connack'], 1),
  rule(0x28, 'wildcardSubscriptionAvailable', 'byte', ['connack']),
  rule(0x29, 'subscriptionIdentifierAvailable', 'byte', ['connack']),
  rule(0x2a, 'sharedSubscriptionAvailable', 'byte', ['connack']),
];

const BY_ID = new Map(RULES.map((each) => [each.id, each]));
const BY_NAME = new Map<string, PropertyRule>(RULES.map((each) => [each.name, each]));

/** The properties that stand next in a packet; undefined where there are none. */
export function readProperties(fields: FieldReader, place: PropertyPlace): Properties | undefined {
  const length = fields.variable('property length');
  if (length === 0) return undefined;
  const reader = new FieldReader(fields.bytes(length, 'properties'), place.toUpperCase());
  const properties: Properties = {};
  while (reader.left > 0) readProperty(reader, place, properties);
  if (properties.authenticationData && properties.authenticationMethod === undefined) {
    throw mqttError('MQTT_PROTOCOL_VIOLATION', `${place}: authentication data without a method`);
  }
  return properties;
}

function readProperty(reader: FieldReader, place: PropertyPlace, properties: Properties): void {
  const id = reader.variable('property identifier');
  const rule = BY_ID.get(id);
  if (!rule?.places.has(place))
    throw malformed(`property 0x${id.toString(16)} in ${place}`, 'MQTT-5, 2.2.2.2');
  const { name } = rule;
  if (rule.kind === 'pair') {
    const pair: [string, string] = [reader.text(name), reader.text(name)];
    properties.userProperties ??= [];
    properties.userProperties.push(pair);
    return;
  }
  if (name === 'subscriptionIdentifiers') {
    const value = numberOf(reader, rule);
    if (properties.subscriptionIdentifiers && place === 'subscribe') throw twice(name, place);
    properties.subscriptionIdentifiers ??= [];
    properties.subscriptionIdentifiers.push(value);
    return;
  }
  if (properties[name] !== undefined) throw twice(name, place);
  Object.assign(properties, { [name]: readValue(reader, rule) });
}

function twice(name: string, place: string) {
  return mqttError('MQTT_PROTOCOL_VIOLATION', `${place}: ${name} more than once`);
}

function readValue(reader: FieldReader, rule: PropertyRule): number | string | Buffer {
  if (rule.kind === 'text') return reader.text(rule.name);
  if (rule.kind === 'binary') return reader.binary(rule.name);
  return numberOf(reader, rule);
}

function numberOf(reader: FieldReader, { kind, name, least, most }: PropertyRule): number {
  const value =
    kind === 'byte'
      ? reader.byte(name)
      : kind === 'uint16'
        ? reader.uint16(name)
        : kind === 'uint32'
          ? reader.uint32(name)
          : reader.variable(name);
  if (value < least || value > most) {
    throw mqttError('MQTT_PROTOCOL_VIOLATION', `${name} of ${value}; ${least} to ${most} is allowed`);
  }
  return value;
}

const NONE = Buffer.from([0]);

/** The inverse of `readProperties`, length in front. */
export function encodeProperties(properties: Properties | undefined): Buffer {
  if (!properties) return NONE;
  const size = sizeOf(properties);
  if (size === 0) return NONE;
  const writer = new FieldWriter(Buffer.allocUnsafe(variableBytes(size) + size));
  writer.variable(size);
  for (const [name, value] of Object.entries(properties)) {
    const rule = BY_NAME.get(name);
    if (!rule || value === undefined) continue;
    for (const each of valuesOf(rule, value)) writeValue(writer.byte(rule.id), rule.kind, each);
  }
  return writer.bytes;
}

/** The values under one name: several for those that may repeat. */
function valuesOf({ name }: PropertyRule, value: unknown): unknown[] {
  return name === 'userProperties' || name === 'subscriptionIdentifiers' ? (value as unknown[]) : [value];
}

function sizeOf(properties: Properties): number {
  let size = 0;
  for (const [name, value] of Object.entries(properties)) {
    const rule = BY_NAME.get(name);
    if (!rule || value === undefined) continue;
    for (const each of valuesOf(rule, value)) size += 1 + valueSize(rule.kind, each);
  }
  return size;
}

function valueSize(kind: Kind, value: unknown): number {
  switch (kind) {
    case 'byte':
      return 1;
    case 'uint16':
      return 2;
    case 'uint32':
      return 4;
    case 'variable':
      return variableBytes(value as number);
    case 'text':
      return 2 + Buffer.byteLength(value as string);
    case 'binary':
      return 2 + (value as Buffer).length;
    default: {
      const [name, text] = value as [string, string];
      return 4 + Buffer.byteLength(name) + Buffer.byteLength(text);
    }
  }
}

function writeValue(writer: FieldWriter, kind: Kind, value: unknown): void {
  switch (kind) {
    case 'byte':
      writer.byte(value as number);
      return;
    case 'uint16':
      writer.uint16(value as number);
      return;
    case 'uint32':
      writer.uint32(value as number);
      return;
    case 'variable':
      writer.variable(value as number);
      return;
    case 'text':
      writer.text(value as string);
      return;
    case 'binary':
      writer.binary(value as Buffer);
      return;
    default: {
      const [name, text] = value as [string, string];
      writer.text(name).text(text);
    }
  }
}
