/** The control packets of MQTT 3.1.1 and 5.0 (OASIS standards, chapter 3) as tagged values, the same in both directions. */

import type { Properties } from './properties.ts';

/** The four high bits of a packet's first byte (3.1.1, table 2.1; 5.0, table 2-1). */
export const PACKET_TYPE = {
  connect: 1,
  connack: 2,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  subscribe: 8,
  suback: 9,
  unsubscribe: 10,
  unsuback: 11,
  pingreq: 12,
  pingresp: 13,
  disconnect: 14,
  auth: 15,
} as const;

export type PacketType = keyof typeof PACKET_TYPE;

export type Qos = 0 | 1 | 2;

/** 4 is MQTT 3.1.1, 5 is MQTT 5.0. */
export type ProtocolLevel = 4 | 5;

/** What is said of a packet in MQTT 5 only. */
interface WithProperties {
  properties?: Properties;
}

/** The message that the server publishes for a client which goes without DISCONNECT. */
export interface Will extends WithProperties {
  topic: string;
  payload: Buffer;
  qos: Qos;
  retain: boolean;
}

export interface ConnectPacket extends WithProperties {
  type: 'connect';
  protocolLevel: ProtocolLevel;
  /** Empty when the client asks the server to choose. */
  clientId: string;
  /** MQTT 5 calls it clean start: there, how long the session lasts is `sessionExpiryInterval`. */
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

export interface ConnackPacket extends WithProperties {
  type: 'connack';
  sessionPresent: boolean;
  /** 0 to 5 in MQTT 3.1.1, a reason code in MQTT 5. */
  returnCode: number;
}

export interface PublishPacket extends WithProperties {
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

export interface AckPacket extends WithProperties {
  type: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp';
  packetId: number;
  /** MQTT 5. */
  reasonCode?: number;
}

export interface SubscriptionRequest {
  filter: string;
  qos: Qos;
  /** MQTT 5 (5.0, 3.8.3.1): not what this client published itself. */
  noLocal?: boolean;
  /** MQTT 5: keep the retain flag as it was published. */
  retainAsPublished?: boolean;
  /** MQTT 5: retained messages are sent 0 always, 1 for a new subscription, 2 never. */
  retainHandling?: 0 | 1 | 2;
}

export interface SubscribePacket extends WithProperties {
  type: 'subscribe';
  packetId: number;
  subscriptions: SubscriptionRequest[];
}

export interface SubackPacket extends WithProperties {
  type: 'suback';
  packetId: number;
  /** Granted QoS, or a refusal (0x80, in MQTT 5 other reason codes too), in the order of the request. */
  returnCodes: number[];
}

export interface UnsubscribePacket extends WithProperties {
  type: 'unsubscribe';
  packetId: number;
  filters: string[];
}

export interface UnsubackPacket extends WithProperties {
  type: 'unsuback';
  packetId: number;
  /** MQTT 5: one for each filter. */
  reasonCodes?: number[];
}

export interface PingPacket {
  type: 'pingreq' | 'pingresp';
}

export interface DisconnectPacket extends WithProperties {
  type: 'disconnect';
  /** MQTT 5. */
  reasonCode?: number;
}

/** MQTT 5 only. */
export interface AuthPacket extends WithProperties {
  type: 'auth';
  reasonCode: number;
}

export type Packet =
  | ConnectPacket
  | ConnackPacket
  | PublishPacket
  | AckPacket
  | SubscribePacket
  | SubackPacket
  | UnsubscribePacket
  | UnsubackPacket
  | PingPacket
  | DisconnectPacket
  | AuthPacket;
