import type { Duplex } from 'node:stream';
import type { DeviceBearer, ProvenCredential, Sponsor, ToolBearer, ToolRole } from './credential-issuer.ts';

/**
 * How a message to one device ended. `timeout`: not acknowledged yet, it stays in the session; `offline`: there is no
 * session that would keep it; `unsubscribed`: the device never asked for such messages; `dropped`: its session ended, or
 * too much waits for it.
 */
export type Delivery = 'acknowledged' | 'offline' | 'unsubscribed' | 'timeout' | 'dropped';

/** What a client may do, asked with every message. The answers may change while it is connected. */
export interface ClientRights {
  mayPublish(topic: string): boolean;
  /** The filter comes without `$share/{name}/`. */
  maySubscribe(filter: string): boolean;
  mayReceive(topic: string): boolean;
  /** Beside `mayPublish`. */
  mayRetain(topic: string): boolean;
}

export interface DeviceClientRights extends ClientRights {
  /** Asked before it is let in, and again at each change of a policy. */
  mayConnect(): boolean;
  /** Asked before it is given credentials under the name of a role alias. */
  mayAssumeRole(alias: string): boolean;
}

/** Who stands at the other end of a connection; taken from its certificate or credential, never from what it says. */
export type EndpointPrincipal = DevicePrincipal | ToolPrincipal;

export interface DevicePrincipal {
  kind: 'device';
  deviceId: string;
  accountId: string;
  /** Ownership generation that the certificate or credential was issued under. */
  generation: number;
  /** Serial number of the certificate, lower-case hexadecimal; absent for a device that came with a credential. */
  serial?: string;
  /** Serial number of the certificate that its credential was given for; with that it is no more than with the credential. */
  ofCertificate?: string;
  /** Of the credential, milliseconds since 1970: the connection ends with it. */
  expires?: number;
  /** `old`: one short message at a time, each in its own write (Ioto contract §10). */
  dialect: 'old' | 'current';
  rights: DeviceClientRights;
}

/** A console, script or AWS client that works for an account; no device, and never shown as one. */
export interface ToolPrincipal {
  kind: 'tool';
  accountId: string;
  role: ToolRole;
  sponsor: Sponsor;
  /** What its session is held under: of its account and client ID, and never that of a device. */
  sessionId: string;
  /** Of the credential, milliseconds since 1970: the connection ends with it. */
  expires: number;
  rights: ClientRights;
}

/** A message from a client, as the endpoint hands it to the domain. */
export interface DeviceMessage {
  topic: string;
  payload: Buffer;
}

/** What a client says with a message beyond its payload, in the words of MQTT 5. */
export interface MessageProperties {
  /** 1 says that the payload is UTF-8. */
  payloadFormatIndicator?: number;
  contentType?: string;
  responseTopic?: string;
  correlationData?: Buffer;
  userProperties?: [name: string, value: string][];
}

/** A message from a client that is for subscribers too. */
export interface PublishedMessage extends DeviceMessage {
  qos: 0 | 1;
  retain: boolean;
  properties?: MessageProperties;
  /** Milliseconds after which the message is not delivered any more. */
  expiry?: number;
}

/** The last message of a topic, which new subscribers are given. */
export interface RetainedMessage extends DeviceMessage {
  qos: number;
  properties?: MessageProperties;
  /** Milliseconds since 1970; unknown of one that an older program has kept. */
  retainedAt?: number;
}

/** The side of the endpoint that the domain talks to. */
export interface DeviceEndpoint {
  /**
   * Sends to one device with QoS 1. `acknowledged` means that the device has it. `timeout` is in milliseconds; without
   * one the answer comes as late as the end of the session.
   */
  deliver(
    deviceId: string,
    topic: string,
    payload: string,
    options?: { timeout?: number },
  ): Promise<Delivery>;
  /** Sends to every subscriber of a topic. */
  publish(topic: string, payload: string | Buffer): void;
  /**
   * Sends to one client alone, by its device or session ID, if it has subscribed the topic: for answers on topics that are the
   * same for everybody. It is not kept for a client that is away.
   */
  answer(session: string, topic: string, payload: string | Buffer): void;
  /**
   * Takes a message that a client published over HTTP as if it had come over MQTT. Resolves when what an acknowledgement
   * promises is durable.
   *
   * @throws MQTT_FORBIDDEN where the client may not publish or retain, MQTT_PROTOCOL_VIOLATION for a topic that is none,
   * MQTT_LIMIT_EXCEEDED.
   */
  take(from: EndpointPrincipal, message: PublishedMessage): Promise<void>;
  /** What the topics of an account have retained, of those that it calls its own. */
  retained(accountId: string): RetainedMessage[];
  /** False when nobody would get what is published on this topic or one below it. */
  hasSubscribers(topic: string): boolean;
  isConnected(deviceId: string): boolean;
  /**
   * Closes the connection of a device, or of a tool by its session ID; what waits for it stays. `detail` says why, in words
   * that the client and its owner may read.
   */
  disconnect(deviceId: string, detail?: string): void;
  /** Closes the device's connection and ends its session, with everything that waits in it. */
  endSession(deviceId: string): void;
}

/** How a connection ended, in words that are safe to show to the device's owner. */
export interface ConnectionEnd {
  /** In the words of AWS IoT's lifecycle events. */
  reason: string;
  detail: string;
  /** The limit that was exceeded, when that was the cause. */
  limit?: string;
}

export interface LimitNote {
  limit: string;
  /** How often. */
  count: number;
  /** The last time. */
  detail: string;
}

/** The side of the domain that the endpoint talks to. */
export interface DeviceGate {
  /**
   * Admits a device by the facts of its certificate, which the TLS layer has checked against the authority, and by the
   * address that it comes from.
   */
  admit(certificate: PeerCertificate, remoteAddress: string): Promise<Admission>;
  /** Admits the same device by a credential of its own. */
  admitBearer(bearer: DeviceBearer, remoteAddress: string): Promise<Admission>;
  connected(principal: DevicePrincipal): Promise<void>;
  disconnected(principal: DevicePrincipal, end: ConnectionEnd): Promise<void>;
  /** What a device of an account did beyond a limit, connected or not; at most once a second for each limit. */
  limitExceeded(deviceId: string, accountId: string, note: LimitNote): void;
  /** Resolves when what an acknowledgement promises is durable. */
  received(principal: DevicePrincipal, message: DeviceMessage): Promise<void>;
}

export type Admission = { admitted: true; principal: DevicePrincipal } | { admitted: false; reason: string };

/** What a client certificate says that TLS has checked against this cloud's authority. */
export interface PeerCertificate {
  /** Common name of the subject. */
  deviceId: string;
  /** Lower-case hexadecimal. */
  serial: string;
}

/** The other end of a connection, as far as the network, TLS and HTTP know it. */
export interface Peer {
  remoteAddress: string;
  /** Absent where none was asked for, shown or trusted. */
  certificate?: PeerCertificate;
  /** What the request was signed with that became this connection; it counts for more than a certificate. */
  credential?: ProvenCredential;
  /** Has each packet reach it in a write of its own, where something on the way would join them; before the first one. */
  keepWritesApart?(): void;
}

/** The side of the domain that the endpoint asks about tools. */
export interface ToolGate {
  /** Admits a tool by its credential, which ends at `expires`. Every admission makes a principal of its own. */
  admit(bearer: ToolBearer, expires: number, clientId: string): Promise<ToolAdmission>;
  connected(principal: ToolPrincipal): void;
  disconnected(principal: ToolPrincipal): void;
  /** What a tool publishes on topics that are nobody else's to hear; resolves when what an acknowledgement promises is durable. */
  received(principal: ToolPrincipal, message: DeviceMessage): Promise<void>;
  /**
   * What the tools of an account may receive while none of them is known: of a session that an earlier process has left.
   * Everything, until the account's devices have been read.
   */
  receivesOf(accountId: string): (topic: string) => boolean;
}

export type ToolAdmission =
  | { admitted: true; principal: ToolPrincipal }
  | { admitted: false; reason: string };

/** What the front door hands connections to that turned out to speak MQTT. */
export interface DeviceConnections {
  /** What the peer says and is told, without TLS; a missing or untrusted client certificate is refused at CONNECT. */
  accept(stream: Duplex, peer: Peer): void;
}
