/** The few packets of MQTT 3.1.1 that the generator sends, built before the clock runs. */

export function connectPacket(clientId: string, cleanSession = true): Buffer {
  const variable = Buffer.from([0, 4, 0x4d, 0x51, 0x54, 0x54, 4, cleanSession ? 2 : 0, 4, 176]);
  return packet(0x10, Buffer.concat([variable, text(clientId)]));
}

export function subscribePacket(filter: string, qos: 0 | 1): Buffer {
  return packet(0x82, Buffer.concat([Buffer.from([0, 1]), text(filter), Buffer.from([qos])]));
}

export interface PublishFields {
  topic: string;
  payload: Buffer;
  qos?: 0 | 1;
  retain?: boolean;
  packetId?: number;
}

export function publishPacket({
  topic,
  payload,
  qos = 0,
  retain = false,
  packetId = 1,
}: PublishFields): Buffer {
  const id = qos === 0 ? [] : [Buffer.from([packetId >> 8, packetId & 255])];
  return packet(0x30 | (qos << 1) | (retain ? 1 : 0), Buffer.concat([text(topic), ...id, payload]));
}

export function pubackPacket(packetId: number): Buffer {
  return Buffer.from([0x40, 2, packetId >> 8, packetId & 255]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
}

function packet(first: number, body: Buffer): Buffer {
  const length: number[] = [];
  for (let left = body.length; ; left >>>= 7) {
    length.push(left > 127 ? (left & 127) | 128 : left);
    if (left <= 127) break;
  }
  return Buffer.concat([Buffer.from([first, ...length]), body]);
}
