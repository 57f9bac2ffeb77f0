import type { Duplex } from 'node:stream';
import { type Logger, silentLogger } from '@ioto/runtime';
import { memoryConnection } from '@ioto/testkit/memory-duplex';
import { settle, VirtualClock } from '@ioto/testkit/virtual-clock';
import {
  type ConnectedFacts,
  type ConnectPacket,
  type DisconnectedFacts,
  type MqttHooks,
  type MqttLimits,
  MqttServer,
  type ReceivedPublish,
  type SessionStore,
} from '../src/index.ts';
import { ScriptedClient } from './scripted-client.ts';

export interface Identity {
  clientId: string;
}

export interface WorldOptions {
  limits?: Partial<MqttLimits>;
  hooks?: Partial<MqttHooks<Identity>>;
  /** Another server's, after which this one comes. The world must be started then. */
  store?: SessionStore;
  clock?: VirtualClock;
  logger?: Logger;
}

/** A server whose time stands still and whose clients are in memory. By default everything is allowed. */
export class MqttWorld {
  readonly clock: VirtualClock;
  readonly received: (ReceivedPublish & { from: string })[] = [];
  readonly connected: ConnectedFacts[] = [];
  readonly disconnected: DisconnectedFacts[] = [];
  readonly server: MqttServer<Identity>;

  constructor(options: WorldOptions = {}) {
    const { limits, hooks, store, clock = new VirtualClock(), logger = silentLogger } = options;
    this.clock = clock;
    this.server = new MqttServer<Identity>({
      limits,
      clock,
      store,
      logger,
      hooks: {
        authenticate: async ({ clientId }: ConnectPacket) => ({ accept: true, principal: { clientId } }),
        mayPublish: () => true,
        maySubscribe: () => true,
        received: ({ clientId }, publish) => {
          this.received.push({ ...publish, from: clientId });
        },
        connected: (_, facts) => {
          this.connected.push(facts);
        },
        disconnected: (_, facts) => {
          this.disconnected.push(facts);
        },
        ...hooks,
      },
    });
  }

  /** A world whose server holds what the store does. */
  static async start(options: WorldOptions): Promise<MqttWorld> {
    const world = new MqttWorld(options);
    await world.server.start();
    return world;
  }

  /** A client whose stream the server has accepted. */
  open(): ScriptedClient {
    return new ScriptedClient(this.openStream());
  }

  /** The client's end of a stream that the server has accepted. */
  openStream(): Duplex {
    const [near, far] = memoryConnection();
    this.server.accept(far, { remoteAddress: '192.0.2.1' });
    return near;
  }

  /** A client that is connected. */
  async client(clientId: string, options: Partial<ConnectPacket> = {}): Promise<ScriptedClient> {
    const client = this.open();
    const { returnCode } = await client.connect({ clientId, ...options });
    if (returnCode !== 0) throw new Error(`${clientId} was refused with ${returnCode}`);
    return client;
  }

  /** A client that is connected and subscribes to `filters` with QoS 1. */
  async subscriber(
    clientId: string,
    filters: string[],
    options: Partial<ConnectPacket> = {},
  ): Promise<ScriptedClient> {
    const client = await this.client(clientId, options);
    client.subscribe(1, ...filters.map((filter): [string, 1] => [filter, 1]));
    await client.next();
    return client;
  }

  /** Lets everything that is under way arrive. */
  settle(): Promise<void> {
    return settle(12);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop();
  }
}
