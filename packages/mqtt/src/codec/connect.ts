import { malformed, mqttError } from '../errors.ts';
import { FieldReader } from './field-reader.ts';
import { PacketWriter } from './packet-bytes.ts';
import type { ConnectPacket, Qos, Will } from './packets.ts';

const CLEAN_SESSION = 0x02;
const WILL = 0x04;
const WILL_RETAIN = 0x20;
const PASSWORD = 0x40;
const USERNAME = 0x80;

/** 3.1.1, 3.1. Throws `MQTT_PROTOCOL_LEVEL` for another version of MQTT, `MQTT_MALFORMED` for anything else that is wrong. */
export function parseConnect(body: Buffer): ConnectPacket {
  const fields = new FieldReader(body, 'CONNECT');
  checkProtocol(fields);
  const flags = fields.byte('flags');
  checkFlags(flags);
  const keepAlive = fields.uint16('keep alive');
  const clientId = fields.text('client identifier');
  const packet: ConnectPacket = {
    type: 'connect',
    protocolLevel: 4,
    clientId,
    cleanSession: (flags & CLEAN_SESSION) !== 0,
    keepAlive,
  };
  if (flags & WILL) packet.will = parseWill(fields, flags);
  if (flags & USERNAME) packet.username = fields.text('user name');
  if (flags & PASSWORD) packet.password = fields.binary('password');
  fields.end();
  return packet;
}

function checkProtocol(fields: FieldReader): void {
  const name = fields.text('protocol name');
  if (name !== 'MQTT' && name !== 'MQIsdp')
    throw malformed('CONNECT with another protocol name', 'MQTT-3.1.2-1');
  const level = fields.byte('protocol level');
  if (level !== 4 || name !== 'MQTT') {
    throw mqttError('MQTT_PROTOCOL_LEVEL', `CONNECT for protocol level ${level}; 4 (MQTT 3.1.1) is served`, {
      details: { level },
    });
  }
}

function checkFlags(flags: number): void {
  if (flags & 1) throw malformed('CONNECT with the reserved flag', 'MQTT-3.1.2-3');
  const willQos = (flags >> 3) & 3;
  if (willQos === 3) throw malformed('CONNECT with will QoS 3', 'MQTT-3.1.2-14');
  if (!(flags & WILL) && (willQos !== 0 || flags & WILL_RETAIN)) {
    throw malformed('CONNECT with will flags but no will', 'MQTT-3.1.2-11');
  }
  if (flags & PASSWORD && !(flags & USERNAME)) {
    throw malformed('CONNECT with a password but no user name', 'MQTT-3.1.2-22');
  }
}

function parseWill(fields: FieldReader, flags: number): Will {
  return {
    topic: fields.text('will topic'),
    payload: fields.binary('will message'),
    qos: ((flags >> 3) & 3) as Qos,
    retain: (flags & WILL_RETAIN) !== 0,
  };
}

/** The inverse of `parseConnect`, with the fixed header. */
export function buildConnect(packet: ConnectPacket): Buffer {
  const { clientId, will, username, password } = packet;
  const lengths = [
    Buffer.byteLength(clientId),
    ...(will ? [Buffer.byteLength(will.topic), will.payload.length] : []),
    ...(username === undefined ? [] : [Buffer.byteLength(username)]),
    ...(password === undefined ? [] : [password.length]),
  ];
  const body = lengths.reduce((sum, length) => sum + 2 + length, 10);
  const writer = new PacketWriter('connect', 0, body).text('MQTT').byte(4).byte(flagsOf(packet));
  writer.uint16(packet.keepAlive).text(clientId);
  if (will) writer.text(will.topic).binary(will.payload);
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
