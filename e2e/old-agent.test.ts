import { lifeOf, newId, type OldAgent, until } from '@ioto/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await World.create();
});
afterAll(() => world?.[Symbol.asyncDispose]());

const agents: OldAgent[] = [];
afterEach(() => {
  for (const agent of agents.splice(0)) agent.drop();
});

/** A switched-on agent of the field. Whatever would break one in a customer's house ends its life, and the test. */
class Boot {
  readonly agent: OldAgent;
  readonly broke: unknown[] = [];
  readonly #power = new AbortController();
  readonly #life: Promise<void>;

  constructor(agent: OldAgent) {
    this.agent = agent;
    agents.push(agent);
    agent.events.on('broke', ({ error }) => this.broke.push(error));
    this.#life = lifeOf(agent, { signal: this.#power.signal });
    this.#life.catch(() => undefined);
  }

  async off(): Promise<void> {
    this.#power.abort();
    await this.#life;
    expect(this.broke).toEqual([]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#power.abort();
    await this.#life.catch(() => undefined);
  }
}

async function readyAgent(): Promise<Boot> {
  const boot = new Boot(world.oldAgent(newId()));
  const ready = boot.agent.events.next('ready', AbortSignal.timeout(20_000));
  await boot.agent.events.next('registered', AbortSignal.timeout(5000));
  expect((await world.claim(boot.agent.id)).status).toBe(200);
  await ready;
  return boot;
}

describe('an Ioto 3.0 agent from the field', () => {
  it('lives its whole life: registers, waits, is claimed, provisioned, connected, in sync, commanded, released, claimed anew', async () => {
    const agent = world.oldAgent(newId());
    await using boot = new Boot(agent);
    const acknowledged: number[] = [];
    agent.events.on('synced', ({ seq }) => acknowledged.push(seq));

    const ready = agent.events.next('ready', AbortSignal.timeout(20_000));
    expect(await agent.events.next('registered', AbortSignal.timeout(5000))).toEqual({ claimed: false });
    expect((await world.claim(agent.id)).status).toBe(200);
    const provision = await agent.events.next('provisioned', AbortSignal.timeout(10_000));
    expect(provision).toMatchObject({
      id: agent.id,
      accountId: world.owner.accountId,
      endpoint: 'localhost',
    });
    expect(provision.key).toMatch(/PRIVATE KEY/);
    expect(provision.port).toBe(world.cloud.port);

    await ready;
    expect(agent.granted).toEqual([1, 1, 1]);
    await until('both Device items to be acknowledged', () => acknowledged.length >= 2);
    expect((acknowledged[1] ?? 0) - (acknowledged[0] ?? 0)).toBe(1);
    expect(await world.show(agent.id)).toMatchObject({ id: agent.id, connection: 'online' });

    const seq = agent.set('counter', 42);
    await until('the acknowledgement', () => acknowledged.includes(seq));
    expect(await world.stored(agent.id, 'counter')).toBe('42');
    agent.set('nothing', 0);
    await until('the zero', async () => Number(await world.stored(agent.id, 'nothing')) === 0);
    await agent.storeSet('set', 7);
    await until('the value', async () => (await world.stored(agent.id, 'set')) === '7');
    expect(await agent.storeGet('set')).toBe('7');
    await agent.metricSet('TEMP', 0);
    await agent.ping();

    const command = agent.events.next('command', AbortSignal.timeout(10_000));
    const { status } = await world.cloud.call('/generic/create', {
      bearer: world.owner.token,
      body: { _type: 'Command', deviceId: agent.id, command: 'blink', args: { times: 3 } },
    });
    expect(status).toBeLessThan(300);
    expect(await command).toMatchObject({ command: 'blink', args: { times: 3 } });

    const released = agent.events.next('released', AbortSignal.timeout(10_000));
    await world.cloud.id(['device', 'release', agent.id]);
    await released;
    await agent.events.next('registered', AbortSignal.timeout(5000));
    expect(agent.hasCertificate).toBe(false);

    const next = await world.newOwner('Next', 'old-next@example.com');
    const again = agent.events.next('ready', AbortSignal.timeout(20_000));
    expect((await world.claim(agent.id, next)).status).toBe(200);
    await again;
    expect(agent.memory.provision.accountId).toBe(next.accountId);
    await boot.off();
  });

  it('comes back after a power cut with the certificate it has, and without registering', async () => {
    const first = await readyAgent();
    await first.off();
    await using second = new Boot(world.oldAgent(first.agent.id, { memory: first.agent.memory }));
    let registered = 0;
    second.agent.events.on('registered', () => {
      registered += 1;
    });
    await second.agent.events.next('ready', AbortSignal.timeout(10_000));
    expect(registered).toBe(0);
    await second.off();
  });

  it('gets one message at a time, each in its own write, none over 4 KB, however many wait for it', async () => {
    const boot = await readyAgent();
    await using _boot = boot;
    const { agent } = boot;
    agent.drop();
    for (let n = 0; n < 20; n += 1) {
      const { status, text } = await world.cloud.call('/generic/create', {
        bearer: world.owner.token,
        body: { _type: 'Command', deviceId: agent.id, command: `c${n}`, args: { text: 'x'.repeat(500) } },
      });
      expect(status, text).toBeLessThan(300);
    }
    const seen = new Set<unknown>();
    for (const item of agent.memory.items.values()) if (item._type === 'Command') seen.add(item.command);
    agent.events.on('command', ({ command }) => seen.add(command));
    await until('every command', () => seen.size === 20, { timeout: 20_000 });
    await boot.off();
  });

  it('that sends three hundred items at once is acknowledged in messages that it can read', async () => {
    const boot = await readyAgent();
    await using _boot = boot;
    const { agent } = boot;
    await until('the greeting to be over', () => agent.memory.pending.size === 0);
    agent.drop();
    for (let n = 0; n < 300; n += 1) agent.set(`a-value-with-a-long-name/${n}`, n);
    await until('every acknowledgement', () => agent.memory.pending.size === 0, { timeout: 20_000 });
    expect(await world.stored(agent.id, 'a-value-with-a-long-name/299')).toBe('299');
    await boot.off();
  });

  it('is sent nothing over 4 KB: whoever tries is told that it cannot be read', async () => {
    const boot = await readyAgent();
    await using _boot = boot;
    const { status, json } = await world.cloud.call('/generic/create', {
      bearer: world.owner.token,
      body: { _type: 'Command', deviceId: boot.agent.id, command: 'big', args: { text: 'x'.repeat(5000) } },
    });
    expect(status).toBeGreaterThanOrEqual(400);
    expect(json.error).toBeTypeOf('string');
    await boot.off();
  });

  it('is refused by a product that requires keys, and exits', async () => {
    const product = await world.cloud.id(['product', 'create', 'New lamps', '--require-key']);
    const id = newId();
    const agent = world.oldAgent(id, { device: { id, product } });
    await expect(lifeOf(agent, { signal: new AbortController().signal })).rejects.toMatchObject({
      code: 'OLD_AGENT_EXITED',
    });
  });

  it('that provisions again shows it to its owner, for an impostor could have been it', async () => {
    const boot = await readyAgent();
    await boot.off();
    const { agent } = boot;
    agent.forget('an impostor would do so');
    expect(await agent.register()).toBe(true);
    await agent.provision();
    const [last] = await world.audit();
    expect(last).toMatchObject({
      action: 'device.provisioned',
      deviceId: agent.id,
      details: { again: true, signed: false },
    });
  });

  it('is refused a body that it could not read: what it must read comes with 200', async () => {
    const agent = world.oldAgent(newId());
    const call = (path: string, bearer: string, body: object) =>
      world.cloud.call(path, { bearer, body, headers: { 'ioto-agent': '' } });
    const { status, json } = await call('/device/register', world.product, { id: agent.id });
    expect({ status, json }).toEqual({ status: 200, json: { registered: true } });
  });

  it('with a token of before the release is told the one text that makes it register again', async () => {
    const boot = await readyAgent();
    await boot.off();
    const { agent } = boot;
    await world.cloud.id(['device', 'release', agent.id]);
    expect(await agent.checkUpdate()).toBe(true);
    expect(agent.hasCertificate).toBe(false);
  });

  it('asking for an update while it is owned is told there is none, and stays who it is', async () => {
    const boot = await readyAgent();
    await using _boot = boot;
    expect(await boot.agent.checkUpdate()).toBe(false);
    expect(boot.agent.hasCertificate).toBe(true);
  });

  it("released while it is off is refused, registers, and is the next account's device", async () => {
    const first = await readyAgent();
    await first.off();
    await world.cloud.id(['device', 'release', first.agent.id]);
    const next = await world.newOwner('Next', 'old-off@example.com');
    expect((await world.claim(first.agent.id, next)).status).toBe(200);
    await using second = new Boot(world.oldAgent(first.agent.id, { memory: first.agent.memory }));
    await second.agent.events.next('ready', AbortSignal.timeout(25_000));
    expect(second.agent.memory.provision.accountId).toBe(next.accountId);
    await second.off();
  });

  it('may call while unclaimed as often as it does, from every boot anew', async () => {
    const agent = world.oldAgent(newId());
    for (let n = 0; n < 40; n += 1) expect(await agent.register()).toBe(false);
  });

  it('that a cloud outage makes a fleet of them register again is served at once', async () => {
    const boot = await readyAgent();
    await boot.off();
    const { agent } = boot;
    const certificates = new Set<unknown>();
    for (let n = 0; n < 5; n += 1) {
      agent.forget('an outage');
      expect(await agent.register()).toBe(true);
      expect(await agent.provision()).toBeUndefined();
      certificates.add(agent.memory.provision.certificate);
    }
    expect(certificates.size).toBe(5);
    await agent.connect();
    agent.drop();
  });
});
