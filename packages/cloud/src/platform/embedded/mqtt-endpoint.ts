import type { Duplex } from 'node:stream';
import {
  type Authentication,
  type MqttCounters,
  type MqttLimits,
  MqttServer,
  type SessionStore,
} from '@ioto/mqtt';
import { deviceMayReceive } from '@ioto/protocol';
import { type Clock, CodedError, type Component, type Logger, messageOf } from '@ioto/runtime';
import { LifecycleEvents } from '../../lifecycle-events/lifecycle-events.ts';
import { isOwnTopic, ownerOfTopic, ownTopics } from '../../policies/own-topics.ts';
import type { ProvenCredential } from '../../ports/credential-issuer.ts';
import type {
  Delivery,
  DeviceConnections,
  DeviceEndpoint,
  DeviceGate,
  DevicePrincipal,
  EndpointPrincipal,
  Peer,
  PublishedMessage,
  RetainedMessage,
  ToolGate,
} from '../../ports/device-endpoint.ts';
import { CredentialEnds } from './credential-ends.ts';

/** MQTT 3.1.1, 3.2.2.3: not authorized. The client learns no more; the log and the owner do. */
const NOT_AUTHORIZED = 5;

/** Of what is retained on the topics of one account, so that none fills the store of all. */
const RETAINED_LIMITS = {
  maxRetainedMessages: 100_000,
  maxRetainedBytes: 256 * 1024 * 1024,
  maxRetainedMessagesOfOwner: 1000,
  maxRetainedBytesOfOwner: 4 * 1024 * 1024,
};

/**
 * Of the tools of one account, which choose their client IDs themselves: more than its people and scripts need, and too
 * few for one credential to take the memory of all with sessions.
 */
const SESSION_LIMITS = { maxSessionsOfOwner: 100 };

/** Milliseconds that an answer is waited for to be acknowledged; nothing depends on it. */
const ANSWER_TIMEOUT = 10_000;

export interface MqttEndpointOptions {
  /** Asked for at the first connection: the domain behind it needs the endpoint itself. */
  gate: () => DeviceGate;
  /** The same for tools; without it only devices are let in. */
  tools?: () => ToolGate;
  /** Where sessions outlive the process; without it they end with it. */
  sessions?: SessionStore;
  limits?: Partial<MqttLimits>;
  clock: Clock;
  logger: Logger;
}

/** The device endpoint of a cloud on one machine: our own MQTT server behind the front door. */
export class MqttEndpoint implements Component, DeviceEndpoint, DeviceConnections {
  readonly name = 'device endpoint';
  readonly #options: MqttEndpointOptions;
  #server: MqttServer<EndpointPrincipal> | undefined;

  constructor(options: MqttEndpointOptions) {
    this.#options = options;
  }

  /** @throws as the session store does. */
  async start(): Promise<void> {
    const server = this.#createServer();
    await server.start();
    this.#server = server;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    await server?.stop();
  }

  get counters(): Readonly<MqttCounters> | undefined {
    return this.#server?.counters;
  }

  accept(stream: Duplex, peer: Peer): void {
    if (this.#server) this.#server.accept(stream, { remoteAddress: peer.remoteAddress, context: peer });
    else stream.destroy();
  }

  async deliver(
    deviceId: string,
    topic: string,
    payload: string,
    options: { timeout?: number } = {},
  ): Promise<Delivery> {
    if (!this.#server) return 'dropped';
    // The tools of its account hear what is said to a device, as they hear what it says.
    this.#server.publish(topic, payload, { qos: 1, except: deviceId });
    // The domain keeps what it delivers until it is acknowledged, and sends it anew after a restart.
    const how = { qos: 1, transient: true, ...options } as const;
    const outcome = await this.#server.deliver(deviceId, topic, payload, how);
    // A device that subscribed with QoS 0 acknowledges nothing: what was sent is all that can be known.
    return outcome === 'sent' ? 'acknowledged' : outcome;
  }

  publish(topic: string, payload: string | Buffer): void {
    this.#server?.publish(topic, payload, { qos: 1 });
  }

  answer(session: string, topic: string, payload: string | Buffer): void {
    void this.#server?.deliver(session, topic, payload, { qos: 1, transient: true, timeout: ANSWER_TIMEOUT });
  }

  async take(from: EndpointPrincipal, message: PublishedMessage): Promise<void> {
    if (!this.#server) throw new CodedError('CLOUD_STOPPED', 'the device endpoint does not run');
    await this.#server.take(from, message);
  }

  retained(accountId: string): RetainedMessage[] {
    return this.#server?.retained(ownTopics(accountId)) ?? [];
  }

  hasSubscribers(topic: string): boolean {
    return this.#server?.hasSubscribers(topic) ?? false;
  }

  isConnected(deviceId: string): boolean {
    return this.#server?.isConnected(deviceId) ?? false;
  }

  disconnect(deviceId: string, detail?: string): void {
    this.#server?.disconnect(deviceId, 'SERVER_INITIATED_DISCONNECT', detail);
  }

  endSession(deviceId: string): void {
    this.#server?.dropSession(deviceId);
  }

  #createServer(): MqttServer<EndpointPrincipal> {
    const { gate, sessions, limits, clock, logger } = this.#options;
    const ends = new CredentialEnds(clock);
    const events = new LifecycleEvents(clock, (topic, payload) => this.publish(topic, payload));
    const told = (what: string, outcome: Promise<void>, deviceId: string) => {
      outcome.catch((error) => logger.error({ deviceId, error: messageOf(error) }, `cannot record ${what}`));
    };
    return new MqttServer<EndpointPrincipal>({
      ...(sessions ? { store: sessions } : {}),
      limits: { ...RETAINED_LIMITS, ...SESSION_LIMITS, ...limits },
      clock,
      logger,
      hooks: {
        authenticate: ({ clientId }, { context }) => this.#authenticate(clientId, context as Peer),
        mayPublish: ({ rights }, topic) => rights.mayPublish(topic),
        maySubscribe: ({ rights }, filter) => rights.maySubscribe(filter),
        mayReceive: ({ rights }, topic) => rights.mayReceive(topic),
        mayRetain: ({ rights }, topic) => rights.mayRetain(topic),
        retainedOwner: ownerOfTopic,
        received: (peer, { topic, payload }) =>
          peer.kind === 'device'
            ? gate().received(peer, { topic, payload })
            : this.#tools().received(peer, { topic, payload }),
        connected: (peer, facts) => {
          const session = sessionOf(peer);
          ends.watch(peer, () =>
            this.#server?.disconnect(session, 'SERVER_INITIATED_DISCONNECT', 'the credential has expired'),
          );
          if (peer.kind === 'tool') {
            logger.info({ accountId: peer.accountId, session }, 'tool connected');
            this.#tools().connected(peer);
            return;
          }
          logger.info({ deviceId: peer.deviceId, accountId: peer.accountId }, 'device connected');
          told('a connect', gate().connected(peer), peer.deviceId);
          events.connected(peer, facts, facts);
        },
        disconnected: (peer, facts) => {
          const { reason, detail, limit } = facts;
          ends.forget(peer);
          if (peer.kind === 'tool') {
            logger.info({ accountId: peer.accountId, reason, detail }, 'tool disconnected');
            this.#tools().disconnected(peer);
            return;
          }
          logger.info({ deviceId: peer.deviceId, reason, detail }, 'device disconnected');
          told('a disconnect', gate().disconnected(peer, { reason, detail, limit }), peer.deviceId);
          events.disconnected(peer, facts, facts);
        },
        subscribed: (peer, facts) => {
          if (peer.kind === 'device') events.subscribed(peer, facts, facts.filters);
        },
        unsubscribed: (peer, facts) => {
          if (peer.kind === 'device') events.unsubscribed(peer, facts, facts.filters);
        },
        limitExceeded: ({ clientId, owner, ...note }) => {
          const { kind, accountId } = ownerOfSession(owner);
          if (kind === 'device' && accountId !== undefined) gate().limitExceeded(clientId, accountId, note);
        },
        dialect: (peer) =>
          peer.kind === 'device' && peer.dialect === 'old'
            ? { maxInFlight: 1, writeEachPacket: true }
            : undefined,
        sessionOwner: (peer) => (peer.kind === 'device' ? deviceOwner(peer) : `tool ${peer.accountId}`),
        // An account's devices and tools share what its messages may take.
        queueOwner: (owner) => ownerOfSession(owner).accountId,
        // A device has one session: its client ID is its own.
        sessionGroup: (owner) => (ownerOfSession(owner).kind === 'tool' ? owner : undefined),
        receivesWhileAway: (owner, clientId) => this.#receivesWhileAway(owner, clientId),
      },
    });
  }

  /**
   * Client ID = device ID = the certificate's CN, and the certificate's record in good standing (Ioto contract §7); or a
   * credential of the device, or of a tool, whose client ID is its own affair.
   */
  async #authenticate(
    clientId: string,
    { certificate, credential, remoteAddress, keepWritesApart }: Peer,
  ): Promise<Authentication<EndpointPrincipal>> {
    if (credential) return this.#authenticateBearer(clientId, credential, remoteAddress);
    if (!certificate) return refuse('no certificate of this cloud');
    if (clientId !== certificate.deviceId) return refuse('the client ID is not the one of the certificate');
    const admission = await this.#options.gate().admit(certificate, remoteAddress);
    if (!admission.admitted) return refuse(admission.reason);
    if (admission.principal.dialect === 'old') keepWritesApart?.();
    return { accept: true, principal: admission.principal };
  }

  async #authenticateBearer(
    clientId: string,
    { bearer, expires }: ProvenCredential,
    remoteAddress: string,
  ): Promise<Authentication<EndpointPrincipal>> {
    if (expires <= this.#options.clock.now()) return refuse('the credential has expired');
    if (bearer.kind === 'tool') {
      const admission = await this.#tools().admit(bearer, expires, clientId);
      if (!admission.admitted) return refuse(admission.reason);
      return { accept: true, principal: admission.principal, sessionId: admission.principal.sessionId };
    }
    if (clientId !== bearer.deviceId) return refuse('the client ID is not the one of the credential');
    const admission = await this.#options.gate().admitBearer(bearer, remoteAddress);
    if (!admission.admitted) return refuse(admission.reason);
    return { accept: true, principal: { ...admission.principal, expires } };
  }

  /** What the client of a session may receive that an earlier process has left, as far as the owner of the session tells. */
  #receivesWhileAway(owner: string, clientId: string): ((topic: string) => boolean) | undefined {
    const { kind, accountId } = ownerOfSession(owner);
    if (accountId === undefined) return undefined;
    if (kind === 'tool') return this.#options.tools?.().receivesOf(accountId);
    // No policy lets a device hear more.
    return (topic) =>
      deviceMayReceive({ deviceId: clientId, accountId }, topic) || isOwnTopic(accountId, topic);
  }

  #tools(): ToolGate {
    const gate = this.#options.tools?.();
    if (!gate) throw new CodedError('CLOUD_STOPPED', 'this process knows no tools');
    return gate;
  }
}

/** What a client's session is held under. */
function sessionOf(principal: EndpointPrincipal): string {
  return principal.kind === 'device' ? principal.deviceId : principal.sessionId;
}

function refuse(reason: string): { accept: false; returnCode: typeof NOT_AUTHORIZED; reason: string } {
  return { accept: false, returnCode: NOT_AUTHORIZED, reason };
}

/** Whose a device's session is: another generation's begins anew. */
function deviceOwner({ accountId, generation }: DevicePrincipal): string {
  return `device ${accountId} ${generation}`;
}

/** What a session's owner says: of which kind of client it is, and of which account. */
function ownerOfSession(owner: string | undefined): { kind?: string; accountId?: string } {
  const [kind, accountId] = owner?.split(' ') ?? [];
  return { kind, accountId };
}
