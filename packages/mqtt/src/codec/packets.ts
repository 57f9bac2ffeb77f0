/** The control packets of MQTT 3.1.1 (OASIS standard, chapter 3) as tagged values, the same in both directions. */

export type Qos = 0 | 1 | 2;

/** The message that the server publishes for a client which goes without DISCONNECT. */
export interface Will {
  topic: string;
  payload: Buffer;
  qos: Qos;
  retain: boolean;
}

export interface ConnectPacket {
  type: 'connect';
  /** Protocol level: 4 is MQTT 3.1.1. */
  protocolLevel: 4;
  /** Empty when the client asks the server to choose. */
  clientId: string;
  cleanSession: boolean;
  /** Seconds; 0 asks for none. */
  keepAlive: number;
  will?: Will;
  username?: string;
  /** A secret: never logged. */
  password?: Buffer;
}

/** 1 protocol level, 2 identifier rejected, 3 server unavailable, 4 bad user name or password, 5 not authorized. */
export type ConnackRefusal = 1 | 2 | 3 | 4 | 5;

export interface ConnackPacket {
  type: 'connack';
  sessionPresent: boolean;
  returnCode: 0 | ConnackRefusal;
}

export interface PublishPacket {
  type: 'publish';
  topic: string;
  /** Where it was parsed, a view of the bytes that came in: copy it to keep it for long. */
  payload: Buffer;
  qos: Qos;
  dup: boolean;
  retain: boolean;
  /** 1..65535, or 0 with QoS 0, which has none. */
  packetId: number;
}

export interface AckPacket {
  type: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp' | 'unsuback';
  packetId: number;
}

export interface SubscriptionRequest {
  filter: string;
  qos: Qos;
}

export interface SubscribePacket {
  type: 'subscribe';
  packetId: number;
  subscriptions: SubscriptionRequest[];
}

export interface SubackPacket {
  type: 'suback';
  packetId: number;
  /** Granted QoS, or 0x80 for a refusal, in the order of the request. */
  returnCodes: (Qos | 0x80)[];
}

export interface UnsubscribePacket {
  type: 'unsubscribe';
  packetId: number;
  filters: string[];
}

export interface BarePacket {
  type: 'pingreq' | 'pingresp' | 'disconnect';
}

export type Packet =
  | ConnectPacket
  | ConnackPacket
  | PublishPacket
  | AckPacket
  | SubscribePacket
  | SubackPacket
  | UnsubscribePacket
  | BarePacket;
