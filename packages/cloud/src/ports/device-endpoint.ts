import type { Duplex } from 'node:stream';

/**
 * How a message to one device ended. `timeout`: not acknowledged yet, it stays in the session; `offline`: there is no
 * session that would keep it; `unsubscribed`: the device never asked for such messages; `dropped`: its session ended, or
 * too much waits for it.
 */
export type Delivery = 'acknowledged' | 'offline' | 'unsubscribed' | 'timeout' | 'dropped';

/** Who stands at the other end of a device's connection; taken from its certificate, never from what it says. */
export interface DevicePrincipal {
  deviceId: string;
  accountId: string;
  /** Ownership generation that the certificate was issued under. */
  generation: number;
  /** Serial number of the certificate, lower-case hexadecimal. */
  serial: string;
  /** `old`: one short message at a time, each in its own write (Ioto contract §10). */
  dialect: 'old' | 'current';
}

/** A message from a device, as the endpoint hands it to the domain. */
export interface DeviceMessage {
  topic: string;
  payload: Buffer;
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
  publish(topic: string, payload: string): void;
  isConnected(deviceId: string): boolean;
  /** Closes the device's connection; what waits for it stays. */
  disconnect(deviceId: string): void;
  /** Closes the device's connection and ends its session, with everything that waits in it. */
  endSession(deviceId: string): void;
}

/** The side of the domain that the endpoint talks to. */
export interface DeviceGate {
  /** Admits a device by the facts of its certificate, which the TLS layer has checked against the authority. */
  admit(certificate: { deviceId: string; serial: string }): Promise<Admission>;
  connected(principal: DevicePrincipal): Promise<void>;
  disconnected(principal: DevicePrincipal, reason: string): Promise<void>;
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

/** The other end of a connection, as far as the network and TLS know it. */
export interface Peer {
  remoteAddress: string;
  /** Absent where none was asked for, shown or trusted. */
  certificate?: PeerCertificate;
}

/** What the front door hands connections to that turned out to speak MQTT. */
export interface DeviceConnections {
  /** What the peer says and is told, without TLS; a missing or untrusted client certificate is refused at CONNECT. */
  accept(stream: Duplex, peer: Peer): void;
}
