import assert from 'node:assert/strict';
import type { Logger } from '@ioto/runtime';
import { MemorySessionStore } from '../src/index.ts';
import { type Identity, MqttWorld } from '../test/mqtt-world.ts';
import { mutated } from './mutate.ts';
import type { PacketSource } from './packet-source.ts';
import type { Random } from './random.ts';
import { CLIENTS, type Deed, type Step } from './script.ts';
import { WatchfulClient } from './watchful-client.ts';

const LIMITS = {
  maxQueuedMessages: 20,
  maxQueuedBytes: 4000,
  maxQueuedBytesInAll: 12_000,
  maxQueuedBytesOfOwner: 6000,
  maxWriteBuffer: 2000,
  maxReceiving: 5,
  maxUnreleased: 5,
  maxSubscriptions: 6,
  maxSessions: 6,
  maxRetainedMessages: 4,
  maxRetainedBytes: 1000,
  sessionExpiry: 3_600_000,
};
/** Policy and consequences that say no, or take their time, now and then. */
const HOOKS = {
  sessionOwner: ({ clientId }: Identity) => clientId,
  queueOwner: (owner: string) => (owner < 'c' ? 'some' : undefined),
  mayPublish: (_: Identity, topic: string) => topic !== 'é',
  maySubscribe: (_: Identity, filter: string) => filter !== '$aws/x',
  received: async (_: Identity, { topic }: { topic: string }) => {
    if (topic === 't/2') await new Promise((resolve) => setImmediate(resolve));
  },
};
/** Milliseconds after which nothing of any run may be left. */
const LONG_AFTER = 100_000_000;

const CLIENT_DEEDS: readonly Deed[] = ['vanish', 'end', 'stall', 'readOn', 'acknowledge', 'settle'];
const SERVER_DEEDS: readonly Deed[] = [
  'serverPublishes',
  'serverPublishes',
  'serverDelivers',
  'serverDisconnects',
  'serverDropsSession',
];

/** Clients that come, say what a client may say or nearly so, and go. */
export function serverScript(source: PacketSource, random: Random): Step[] {
  const steps: Step[] = [];
  const levels = Array.from({ length: CLIENTS }, () => random.pick([4, 5] as const));
  for (let left = 5 + random.below(30); left > 0; left -= 1) {
    const client = random.below(CLIENTS);
    const level = levels[client] ?? 4;
    const step = (deed: Deed, bytes: Buffer = Buffer.alloc(0)) => steps.push({ deed, client, bytes });
    const chance = random.below(20);
    if (chance < 5) {
      step('open');
      const connect = source.connect(level, random);
      step('send', random.once(8) ? mutated(connect, random) : connect);
    } else if (chance < 8) step(random.pick(CLIENT_DEEDS));
    else if (chance < 9) step('passTime', random.bytes(2));
    else if (chance < 11) step(random.pick(SERVER_DEEDS), random.bytes(3));
    else step('send', sayings(source, random, level));
  }
  return steps;
}

function sayings(source: PacketSource, random: Random, level: 4 | 5): Buffer {
  const packets = Array.from({ length: 1 + random.below(3) }, () => {
    const bytes = random.once(6) ? source.any(level, random) : source.sensible(level, random);
    return random.once(6) ? mutated(bytes, random) : bytes;
  });
  return Buffer.concat(packets);
}

/**
 * Whatever the clients do: nobody else is harmed, the server does nothing that the standard forbids, its counters agree
 * with what can be seen, and nothing is left behind. Throws when one of it does not hold.
 */
export async function checkServer(steps: readonly Step[]): Promise<void> {
  const errors: unknown[] = [];
  const logger = { ...QUIET, error: (facts: unknown) => errors.push(facts) } as unknown as Logger;
  const durable = steps.length % 2 === 1;
  const store = durable ? new MemorySessionStore() : undefined;
  const world = new MqttWorld({ limits: LIMITS, logger, store, hooks: HOOKS });
  if (store) await world.server.start();
  const witness = await world.subscriber('witness', ['witness'], { keepAlive: 1200 });
  const run = new Run(world);
  for (const step of steps) {
    await run.do(step);
    if (step.deed === 'passTime') witness.send({ type: 'pingreq' });
  }
  await world.settle();
  witness.inbox.length = 0;
  world.server.publish('witness', 'served');
  assert.equal((await witness.nextPublish()).payload.toString(), 'served', 'another client is not served');
  run.check();
  for (const client of run.clients) client?.vanish();
  await world.settle();
  witness.vanish();
  await world.clock.advance(LONG_AFTER);
  await world.settle();
  run.checkNothingIsLeft();
  await world.server.stop();
  await world.settle();
  assert.deepEqual(errors, [], 'the server logged an error of its own');
  assert.equal(run.unsettled, 0, 'a delivery was never settled');
  assert.equal(world.clock.pending, 0, 'a timer is left');
}

const QUIET = { trace: ignore, debug: ignore, info: ignore, warn: ignore };
function ignore(): void {}

/** One script under way. */
class Run {
  readonly clients: (WatchfulClient | undefined)[] = [];
  unsettled = 0;
  readonly #world: MqttWorld;
  readonly #all: WatchfulClient[] = [];

  constructor(world: MqttWorld) {
    this.#world = world;
  }

  async do({ deed, client: index, bytes }: Step): Promise<void> {
    const { server, clock } = this.#world;
    const client = this.clients[index];
    const [first = 0, second = 0, third = 0] = bytes;
    const id = ['a', 'b', 'c', 'd'][index] as string;
    const topic = ['t', 't/1', 'u/1/2', 't//'][first % 4] as string;
    switch (deed) {
      case 'open':
        client?.vanish();
        this.clients[index] = new WatchfulClient(this.#world.openStream());
        this.#all.push(this.clients[index]);
        break;
      case 'send':
        if (bytes.length > 0) client?.send(bytes);
        break;
      case 'passTime':
        await clock.advance(first * 4 * second);
        break;
      case 'serverPublishes': {
        const qos = (second % 3) as 0 | 1 | 2;
        server.publish(topic, 'x'.repeat(third), { qos, retain: second > 128, expiry: third * 1000 });
        break;
      }
      case 'serverDelivers':
        this.unsettled += 1;
        server.deliver(id, topic, 'x'.repeat(third), { timeout: second * 100 }).then(() => {
          this.unsettled -= 1;
        });
        break;
      case 'serverDisconnects':
        server.disconnect(id, 'SERVER_INITIATED_DISCONNECT');
        break;
      case 'serverDropsSession':
        server.dropSession(id);
        break;
      case 'settle':
        break;
      default:
        client?.[deed]();
    }
    await new Promise((resolve) => setImmediate(resolve));
  }

  check(): void {
    for (const { faults } of this.#all) if (faults.length > 0) throw faults[0];
    const { counters } = this.#world.server;
    for (const [name, count] of Object.entries(flat(counters))) {
      assert.ok(Number.isInteger(count) && count >= 0, `${name} is ${count}`);
    }
    const ended = Object.values(counters.disconnects).reduce((sum: number, count = 0) => sum + count, 0);
    // One more for the witness.
    assert.equal(
      ended + counters.connections,
      this.#all.length + 1,
      'a connection neither counts nor has ended',
    );
    assert.equal(counters.disconnects.SERVER_ERROR, undefined, 'the server failed');
    const { connected, disconnected } = this.#world;
    assert.equal(connected.length, counters.connectsAccepted, 'a client came uncounted');
    const gone = new Set(disconnected.map(({ connectionId }) => connectionId));
    assert.equal(gone.size, disconnected.length, 'a client left twice');
    const here = connected.filter(({ connectionId }) => !gone.has(connectionId));
    for (const { clientId } of here) assert.ok(this.#world.server.isConnected(clientId), 'a client is lost');
    const ids = here.map(({ clientId }) => clientId);
    assert.equal(new Set(ids).size, ids.length, 'two connections with one client ID [MQTT-3.1.4-2]');
    assert.ok(counters.sessions <= LIMITS.maxSessions && counters.sessions >= here.length, 'sessions');
    assert.ok(counters.retainedMessages <= LIMITS.maxRetainedMessages, 'retained messages');
  }

  checkNothingIsLeft(): void {
    const { connections, sessions, queuedBytes, queueOwners } = this.#world.server.counters;
    const nothing = { connections: 0, sessions: 0, queuedBytes: 0, queueOwners: 0 };
    assert.deepEqual(
      { connections, sessions, queuedBytes, queueOwners },
      nothing,
      'something is left behind',
    );
  }
}

function flat({
  violations,
  disconnects,
  ...counts
}: MqttWorld['server']['counters']): Record<string, number> {
  return { ...counts, ...violations, ...disconnects } as Record<string, number>;
}
