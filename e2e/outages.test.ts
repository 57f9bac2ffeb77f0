import { X509Certificate } from 'node:crypto';
import { createServer } from 'node:net';
import {
  CloudProgram,
  callApi,
  type Fate,
  freePort,
  HttpsFront,
  newId,
  TcpProxy,
  TempDirectory,
  until,
} from '@ioto/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CountingDevice } from './counting-device.ts';
import { World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await World.create();
});
afterAll(() => world?.[Symbol.asyncDispose]());

describe('the cloud is down', () => {
  it('at boot: the device serves its own web page, and registers as soon as the cloud is there', async () => {
    await using directory = await TempDirectory.create();
    const port = await freePort();
    const state = directory.at('cloud');
    // A first life of the cloud makes its authority, which the device is shipped with.
    const first = await CloudProgram.start({ state, port });
    const product = await first.id(['product', 'create', 'Lamp']);
    const { authority, api } = first;
    await first.program.kill('SIGTERM');
    const device = await world.device({ builder: api, product, authority });
    const program = world.switchOn(device);
    const [, web] = await program.waitFor(/127\.0\.0\.1:(\d+)/);
    expect((await callApi({ url: `http://127.0.0.1:${web}/`, method: 'GET' })).status).toBe(200);
    await program.waitFor(/ECONNREFUSED|UNREACHABLE|refused/i);
    await using _second = await CloudProgram.start({ state, port });
    await world.registered(device);
    await program.kill();
  });

  it('in between: a connected device waits for it, keeps what it writes, and brings it along', async () => {
    const device = await world.device();
    await using counting = new CountingDevice(device);
    await counting.start();
    const id = await world.registered(device);
    expect((await world.claim(id)).status).toBe(200);
    await counting.program.waitFor(/ready\./);
    await world.stopCloud('SIGKILL');
    const reached = await counting.countTo((await counting.countTo(5)) + 50);
    await world.startCloud();
    await until(
      'the cloud to have caught up',
      async () => Number(await world.stored(id, 'counter')) >= reached,
      {
        every: 200,
        timeout: 20_000,
      },
    );
  });

  it('in between: what the cloud had acknowledged is still there after its SIGKILL', async () => {
    const { id, device } = await world.connectedDevice();
    const { accountId } = world.owner;
    await world.stopCloud('SIGKILL');
    await world.startCloud();
    const shown = await world.show(id);
    expect(shown).toMatchObject({ id, accountId });
    const certificate = new X509Certificate((await device.read('certs', 'ioto.crt')) ?? '');
    expect(certificate.subject).toBe(`CN=${id}`);
    expect((await world.claim(id)).status).toBe(200);
  });

  it('in the middle of many claims: each can be made again, and none is half made', async () => {
    const ids = Array.from({ length: 40 }, newId);
    for (const id of ids) {
      const { status } = await world.cloud.call('/device/register', { bearer: world.product, body: { id } });
      expect(status).toBeLessThan(300);
    }
    const claims = ids.map((id) =>
      world
        .claim(id)
        .then(({ status }) => status)
        .catch(() => 0),
    );
    await Promise.race(claims);
    await world.stopCloud('SIGKILL');
    const before = await Promise.all(claims);
    await world.startCloud();
    for (const [index, id] of ids.entries()) {
      const body = { id };
      if (before[index] === 200) {
        const { json } = await world.cloud.call('/device/register', { bearer: world.product, body });
        expect(json.accountId, 'a claim that was acknowledged').toBe(world.owner.accountId);
      }
      const { status, text } = await world.claim(id);
      expect(status, text).toBe(200);
      const { json } = await world.cloud.call('/device/register', { bearer: world.product, body });
      const provision = { bearer: String(json.token), body };
      expect((await world.cloud.call('/tok/device/provision', provision)).status).toBe(200);
    }
  });

  it('while a device waits to be claimed: the claim after its return is seen', async () => {
    const device = await world.device();
    const program = world.switchOn(device);
    const id = await world.registered(device);
    await world.stopCloud('SIGTERM');
    await world.startCloud();
    expect((await world.claim(id)).status).toBe(200);
    await world.online(id, program);
  });
});

describe('an answer is lost', () => {
  async function behindFront() {
    const { origin, authority } = world.cloud;
    const front = await HttpsFront.start({ target: origin, authority });
    const device = await world.device({
      builder: `${front.origin}/api`,
      authority: front.authority + authority,
    });
    return { front, device };
  }

  it('to register: the device asks again and is the same device', async () => {
    const { front, device } = await behindFront();
    await using _front = front;
    let lost = 0;
    front.fate = ({ path }) => {
      if (!path.endsWith('/device/register') || lost >= 2) return 'pass';
      lost += 1;
      return 'lose-answer';
    };
    const program = world.switchOn(device);
    const id = await world.registered(device);
    expect((await world.claim(id)).status).toBe(200);
    await world.online(id, program);
    const registers = front.calls.filter(({ path }) => path.endsWith('/device/register'));
    expect(new Set(registers.map(({ body }) => JSON.parse(body).id))).toEqual(new Set([id]));
    expect(new Set(registers.map(({ body }) => JSON.parse(body).publicKey)).size).toBeLessThanOrEqual(2);
    expect(lost).toBe(2);
    await program.kill();
  });

  it('to provision: the device asks again with the same key and gets the same certificate', async () => {
    const { front, device } = await behindFront();
    await using _front = front;
    let lost = 0;
    front.fate = ({ path }) => {
      if (!path.endsWith('/tok/device/provision') || lost > 0) return 'pass';
      lost += 1;
      return 'lose-answer';
    };
    const program = world.switchOn(device);
    const id = await world.registered(device);
    expect((await world.claim(id)).status).toBe(200);
    await world.online(id, program);
    const answers = front.calls
      .filter(({ path }) => path.endsWith('/tok/device/provision'))
      .map(({ answer }) => new X509Certificate(JSON.parse(answer ?? '{}').certificate).serialNumber);
    expect(answers).toHaveLength(2);
    expect(new Set(answers).size).toBe(1);
    const stored = new X509Certificate((await device.read('certs', 'ioto.crt')) ?? '');
    expect(stored.serialNumber).toBe(answers[0]);
    await program.kill();
  });

  it('and a server that answers nonsense instead does not confuse the device', async () => {
    const { front, device } = await behindFront();
    await using _front = front;
    const nonsense: Fate[] = [
      { status: 200, body: 'not json' },
      { status: 200, body: '{}' },
      { status: 200, body: '[]' },
      { status: 200, body: '{"registered":true,"api":7}' },
      { status: 200, body: `{"registered":true,"x":"${'x'.repeat(2_000_000)}"}` },
      { status: 302, body: '', headers: { location: 'http://127.0.0.1:1/' } },
      { status: 503, body: '<html>', headers: { 'retry-after': '0' } },
      { status: 429, body: '{"error":"slow down","code":"X","delay":0.1}' },
    ];
    front.fate = () => nonsense.shift() ?? 'pass';
    const program = world.switchOn(device);
    await until('it to have come through', () => nonsense.length === 0, { timeout: 20_000 });
    const id = await world.registered(device);
    expect((await world.claim(id)).status).toBe(200);
    await world.online(id, program);
    await program.kill();
  });

  it('and a cloud that says to stay away is obeyed', async () => {
    const { front, device } = await behindFront();
    await using _front = front;
    front.fate = () => ({
      status: 429,
      body: '{"error":"slow down","code":"X","delay":3}',
      headers: { 'retry-after': '3', 'content-type': 'application/json' },
    });
    const program = world.switchOn(device);
    await until('the first call', () => front.calls.length > 0);
    front.fate = () => 'pass';
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(front.calls).toHaveLength(1);
    await program.kill();
  });
});

describe('the way to the cloud', () => {
  /** A device whose MQTT goes through a proxy with weather. */
  async function behindProxy() {
    const proxy = await TcpProxy.start({ port: world.cloud.port });
    const device = await world.device({
      settings: {
        mqtt: {
          port: proxy.port,
          first: '100 msec',
          limit: '500 msec',
          timeout: '2 secs',
          keepAlive: '1 sec',
        },
      },
    });
    const counting = new CountingDevice(device);
    await counting.start();
    const id = await world.registered(device);
    expect((await world.claim(id)).status).toBe(200);
    await counting.program.waitFor(/ready\./);
    return { proxy, counting, id };
  }

  it('breaks for a while: nothing that the device wrote is missing afterwards', async () => {
    const { proxy, counting, id } = await behindProxy();
    await using _proxy = proxy;
    await using _counting = counting;
    proxy.weather = { kind: 'cut' };
    const reached = await counting.countTo((await counting.countTo(1)) + 60);
    proxy.weather = { kind: 'fine' };
    await until('the cloud to have it', async () => Number(await world.stored(id, 'counter')) >= reached, {
      every: 200,
    });
  });

  it('goes silent without a word: the device notices and connects again', async () => {
    const { proxy, counting, id } = await behindProxy();
    await using _proxy = proxy;
    await using _counting = counting;
    const before = proxy.accepted;
    proxy.weather = { kind: 'stalled' };
    await until('a new connection', () => proxy.accepted > before, { timeout: 15_000 });
    proxy.weather = { kind: 'fine' };
    proxy.resetAll();
    const reached = await counting.countTo((await counting.countTo(1)) + 20);
    await until('the cloud to have it', async () => Number(await world.stored(id, 'counter')) >= reached, {
      every: 200,
      timeout: 15_000,
    });
  });
});

describe('a builder that takes connections and says nothing', () => {
  it('does not hold up the local services, nor the end of the agent', async () => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await until('it to listen', () => silent.listening);
    const address = silent.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const device = await world.device({ builder: `https://localhost:${port}/api` });
    const program = world.switchOn(device);
    const [, web] = await program.waitFor(/127\.0\.0\.1:(\d+)/);
    expect((await callApi({ url: `http://127.0.0.1:${web}/`, method: 'GET' })).status).toBe(200);
    const started = Date.now();
    expect(await program.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(Date.now() - started).toBeLessThan(5000);
    silent.close();
  });
});
