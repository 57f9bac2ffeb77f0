import { lifecycleTopic } from '@ioto/protocol';
import type { Clock } from '@ioto/runtime';
import type { ConnectionEnd, DevicePrincipal } from '../ports/device-endpoint.ts';

/** What is known of the connection that an event is about. */
export interface EventConnection {
  clientId: string;
  /** New for each connection. */
  connectionId: string;
}

/**
 * AWS IoT's lifecycle events of devices: published by the cloud itself, so that no client can make one up. Tools of the
 * device's account hear them.
 */
export class LifecycleEvents {
  readonly #clock: Clock;
  readonly #publish: (topic: string, payload: string) => void;
  #lastVersion = 0;

  constructor(clock: Clock, publish: (topic: string, payload: string) => void) {
    this.#clock = clock;
    this.#publish = publish;
  }

  connected(
    device: DevicePrincipal,
    connection: EventConnection,
    { remoteAddress }: { remoteAddress: string },
  ): void {
    const event = this.#presence('connected', device, connection);
    this.#tell(lifecycleTopic.connected(connection.clientId), { ...event, ipAddress: remoteAddress });
  }

  disconnected(device: DevicePrincipal, connection: EventConnection, { reason }: ConnectionEnd): void {
    this.#tell(lifecycleTopic.disconnected(connection.clientId), {
      ...this.#presence('disconnected', device, connection),
      clientInitiatedDisconnect: reason === 'CLIENT_INITIATED_DISCONNECT',
      disconnectReason: reason,
    });
  }

  subscribed(device: DevicePrincipal, connection: EventConnection, topics: readonly string[]): void {
    const event = this.#event('subscribed', device, connection);
    this.#tell(lifecycleTopic.subscribed(connection.clientId), { ...event, topics });
  }

  unsubscribed(device: DevicePrincipal, connection: EventConnection, topics: readonly string[]): void {
    const event = this.#event('unsubscribed', device, connection);
    this.#tell(lifecycleTopic.unsubscribed(connection.clientId), { ...event, topics });
  }

  #presence(eventType: string, device: DevicePrincipal, connection: EventConnection): object {
    return { ...this.#event(eventType, device, connection), versionNumber: this.#nextVersion() };
  }

  #event(
    eventType: string,
    { serial }: DevicePrincipal,
    { clientId, connectionId }: EventConnection,
  ): object {
    return {
      clientId,
      timestamp: this.#clock.now(),
      eventType,
      sessionIdentifier: connectionId,
      // The certificate's serial number; a device that came with a credential of its own is its own principal.
      principalIdentifier: serial ?? clientId,
    };
  }

  /** Rises with every event, and from one start to the next without being written down: it is the time, or the next number. */
  #nextVersion(): number {
    this.#lastVersion = Math.max(this.#lastVersion + 1, this.#clock.now());
    return this.#lastVersion;
  }

  #tell(topic: string, event: object): void {
    this.#publish(topic, JSON.stringify(event));
  }
}
