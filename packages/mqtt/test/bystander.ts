import type { MqttWorld } from './mqtt-world.ts';
import type { ScriptedClient } from './scripted-client.ts';

/** Loop turns that a client waits at most for an answer, whatever others do. */
const MOST_TURNS = 100;

/** A client that behaves among some that do not. */
export class Bystander {
  readonly #world: MqttWorld;
  readonly #client: ScriptedClient;
  #sent = 0;

  constructor(world: MqttWorld, client: ScriptedClient) {
    this.#world = world;
    this.#client = client;
  }

  static async in(world: MqttWorld): Promise<Bystander> {
    const options = { protocolLevel: 5 as const, keepAlive: 1200 };
    return new Bystander(world, await world.subscriber('bystander', ['bystander/#'], options));
  }

  /**
   * Publishes to itself with QoS 1, and has its PUBACK and its message before any time has passed. Returns the loop turns
   * that it took; throws when it took many, or anything else came.
   */
  async isServed(): Promise<number> {
    const started = this.#world.clock.now();
    this.#sent += 1;
    const text = String(this.#sent);
    this.#client.publish(`bystander/${text}`, text, { qos: 1, packetId: this.#sent });
    let turns = 0;
    for (; this.#client.inbox.length < 2 && turns < MOST_TURNS; turns += 1)
      await new Promise((resolve) => setImmediate(resolve));
    const seen = this.#client.inbox.splice(0);
    const types = seen.map(({ type }) => type).sort();
    if (types.join() !== 'puback,publish') throw new Error(`${types} came within ${turns} turns`);
    for (const packet of seen) if (packet.type === 'publish') this.#client.ack(packet.packetId);
    if (this.#world.clock.now() !== started) throw new Error('the bystander had to wait');
    return turns;
  }
}
