import { malformed, mqttError } from '../errors.ts';
import { FieldReader } from './field-reader.ts';
import { PacketWriter } from './packet-bytes.ts';
import type { ConnectPacket, ProtocolLevel, Qos, Will } from './packets.ts';
import { encodeProperties, readProperties } from './properties.ts';

const CLEAN_SESSION = 0x02;
const WILL = 0x04;
const WILL_RETAIN = 0x20;
const PASSWORD = 0x40;
const USERNAME = 0x80;

/** 3.1.1 and 5.0, 3.1. Throws `MQTT_PROTOCOL_LEVEL` for another version of MQTT, `MQTT_MALFORMED` for anything else that is wrong. */
export function parseConnect(body: Buffer): ConnectPacket {
  const fields = new FieldReader(body, 'CONNECT');
  const protocolLevel = protocolOf(fields);
  const flags = fields.byte('flags');
  checkFlags(flags, protocolLevel);
  const keepAlive = fields.uint16('keep alive');
  const properties = protocolLevel === 5 ? readProperties(fields, 'connect') : undefined;
  const clientId = fields.text('client identifier');
  const packet: ConnectPacket = {
    type: 'connect',
    protocolLevel,
    clientId,
    cleanSession: (flags & CLEAN_SESSION) !== 0,
    keepAlive,
    properties,
  };
  if (flags & WILL) packet.will = parseWill(fields, flags, protocolLevel);
  if (flags & USERNAME) packet.username = fields.text('user name');
  if (flags & PASSWORD) packet.password = fields.binary('password');
  fields.end();
  return packet;
}

/** The level that a CONNECT's body says, or undefined where it is none that is served. */
export function levelOfConnect(body: Buffer): ProtocolLevel | undefined {
  if (body.length < 7 || body.readUInt16BE(0) !== 4 || body.toString('latin1', 2, 6) !== 'MQTT')
    return undefined;
  return body[6] === 4 || body[6] === 5 ? body[6] : undefined;
}

function protocolOf(fields: FieldReader): ProtocolLevel {
  const name = fields.text('protocol name');
  if (name !== 'MQTT' && name !== 'MQIsdp')
    throw malformed('CONNECT with another protocol name', 'MQTT-3.1.2-1');
  const level = fields.byte('protocol level');
  if (name === 'MQTT' && (level === 4 || level === 5)) return level;
  const message = `CONNECT for protocol level ${level}; 4 (MQTT 3.1.1) and 5 (MQTT 5.0) are served`;
  throw mqttError('MQTT_PROTOCOL_LEVEL', message, { details: { level } });
}

function checkFlags(flags: number, level: ProtocolLevel): void {
  if (flags & 1) throw malformed('CONNECT with the reserved flag', 'MQTT-3.1.2-3');
  const willQos = (flags >> 3) & 3;
  if (willQos === 3) throw malformed('CONNECT with will QoS 3', 'MQTT-3.1.2-14');
  if (!(flags & WILL) && (willQos !== 0 || flags & WILL_RETAIN)) {
    throw malformed('CONNECT with will flags but no will', 'MQTT-3.1.2-11');
  }
  // MQTT 5 allows it (5.0, 3.1.2.9).
  if (level === 4 && flags & PASSWORD && !(flags & USERNAME)) {
    throw malformed('CONNECT with a password but no user name', 'MQTT-3.1.2-22');
  }
}

function parseWill(fields: FieldReader, flags: number, level: ProtocolLevel): Will {
  const properties = level === 5 ? readProperties(fields, 'will') : undefined;
  return {
    properties,
    topic: fields.text('will topic'),
    payload: fields.binary('will message'),
    qos: ((flags >> 3) & 3) as Qos,
    retain: (flags & WILL_RETAIN) !== 0,
  };
}

/** The inverse of `parseConnect`, with the fixed header. */
export function buildConnect(packet: ConnectPacket): Buffer {
  const { protocolLevel, clientId, will, username, password } = packet;
  const none = Buffer.alloc(0);
  const properties = protocolLevel === 5 ? encodeProperties(packet.properties) : none;
  const willProperties = will && protocolLevel === 5 ? encodeProperties(will.properties) : none;
  const lengths = [
    Buffer.byteLength(clientId),
    ...(will ? [Buffer.byteLength(will.topic), will.payload.length] : []),
    ...(username === undefined ? [] : [Buffer.byteLength(username)]),
    ...(password === undefined ? [] : [password.length]),
  ];
  const fixed = 10 + properties.length + willProperties.length;
  const body = lengths.reduce((sum, length) => sum + 2 + length, fixed);
  const writer = new PacketWriter('connect', 0, body).text('MQTT').byte(protocolLevel);
  writer.byte(flagsOf(packet)).uint16(packet.keepAlive).raw(properties).text(clientId);
  if (will) writer.raw(willProperties).text(will.topic).binary(will.payload);
  if (username !== undefined) writer.text(username);
  if (password !== undefined) writer.binary(password);
  return writer.bytes;
}

function flagsOf({ cleanSession, will, username, password }: ConnectPacket): number {
  return (
    (cleanSession ? CLEAN_SESSION : 0) |
    (will ? WILL | (will.qos << 3) | (will.retain ? WILL_RETAIN : 0) : 0) |
    (username === undefined ? 0 : USERNAME) |
    (password === undefined ? 0 : PASSWORD)
  );
}
