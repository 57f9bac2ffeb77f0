import type { Duplex } from 'node:stream';
import { type Authentication, type MqttCounters, type MqttLimits, MqttServer } from '@ioto/mqtt';
import { deviceMayPublish, deviceMaySubscribe } from '@ioto/protocol';
import { type Clock, type Component, type Logger, messageOf } from '@ioto/runtime';
import type {
  Delivery,
  DeviceConnections,
  DeviceEndpoint,
  DeviceGate,
  DevicePrincipal,
  Peer,
  PeerCertificate,
} from '../../ports/device-endpoint.ts';

/** MQTT 3.1.1, 3.2.2.3: not authorized. The client learns no more; the log and the owner do. */
const NOT_AUTHORIZED = 5;

export interface MqttEndpointOptions {
  /** Asked for at the first connection: the domain behind it needs the endpoint itself. */
  gate: () => DeviceGate;
  limits?: Partial<MqttLimits>;
  clock: Clock;
  logger: Logger;
}

/** The device endpoint of a cloud on one machine: our own MQTT server behind the front door. */
export class MqttEndpoint implements Component, DeviceEndpoint, DeviceConnections {
  readonly name = 'device endpoint';
  readonly #options: MqttEndpointOptions;
  #server: MqttServer<DevicePrincipal> | undefined;

  constructor(options: MqttEndpointOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#server = this.#createServer();
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    await server?.stop();
  }

  get counters(): Readonly<MqttCounters> | undefined {
    return this.#server?.counters;
  }

  accept(stream: Duplex, { remoteAddress, certificate }: Peer): void {
    if (this.#server) this.#server.accept(stream, { remoteAddress, context: certificate });
    else stream.destroy();
  }

  async deliver(
    deviceId: string,
    topic: string,
    payload: string,
    options: { timeout?: number } = {},
  ): Promise<Delivery> {
    if (!this.#server) return 'dropped';
    const outcome = await this.#server.deliver(deviceId, topic, payload, { qos: 1, ...options });
    // A device that subscribed with QoS 0 acknowledges nothing: what was sent is all that can be known.
    return outcome === 'sent' ? 'acknowledged' : outcome;
  }

  publish(topic: string, payload: string): void {
    this.#server?.publish(topic, payload, { qos: 1 });
  }

  isConnected(deviceId: string): boolean {
    return this.#server?.isConnected(deviceId) ?? false;
  }

  disconnect(deviceId: string): void {
    this.#server?.disconnect(deviceId, 'SERVER_INITIATED_DISCONNECT');
  }

  endSession(deviceId: string): void {
    this.#server?.dropSession(deviceId);
  }

  #createServer(): MqttServer<DevicePrincipal> {
    const { gate, limits, clock, logger } = this.#options;
    const told = (what: string, outcome: Promise<void>, deviceId: string) => {
      outcome.catch((error) => logger.error({ deviceId, error: messageOf(error) }, `cannot record ${what}`));
    };
    return new MqttServer<DevicePrincipal>({
      // No device may hear what another publishes, so a retained message would only fill the one store of all.
      limits: { maxRetainedMessages: 0, ...limits },
      clock,
      logger,
      hooks: {
        authenticate: ({ clientId }, { context }) =>
          this.#authenticate(clientId, context as PeerCertificate | undefined),
        mayPublish: (peer, topic) => deviceMayPublish(peer, topic),
        maySubscribe: (peer, filter) => deviceMaySubscribe(peer, filter),
        received: (peer, { topic, payload }) => gate().received(peer, { topic, payload }),
        connected: (peer) => {
          logger.info({ deviceId: peer.deviceId, accountId: peer.accountId }, 'device connected');
          told('a connect', gate().connected(peer), peer.deviceId);
        },
        disconnected: (peer, { reason, detail }) => {
          logger.info({ deviceId: peer.deviceId, reason, detail }, 'device disconnected');
          told('a disconnect', gate().disconnected(peer, reason), peer.deviceId);
        },
        dialect: (peer) => (peer.dialect === 'old' ? { maxInFlight: 1, writeEachPacket: true } : undefined),
        sessionOwner: (peer) => `${peer.accountId} ${peer.generation}`,
      },
    });
  }

  /** Client ID = device ID = the certificate's CN, and the certificate's record in good standing (Ioto contract §7). */
  async #authenticate(
    clientId: string,
    certificate: PeerCertificate | undefined,
  ): Promise<Authentication<DevicePrincipal>> {
    if (!certificate) return refuse('no certificate of this cloud');
    if (clientId !== certificate.deviceId) return refuse('the client ID is not the one of the certificate');
    const admission = await this.#options.gate().admit(certificate);
    if (!admission.admitted) return refuse(admission.reason);
    return { accept: true, principal: admission.principal };
  }
}

function refuse(reason: string): { accept: false; returnCode: typeof NOT_AUTHORIZED; reason: string } {
  return { accept: false, returnCode: NOT_AUTHORIZED, reason };
}
