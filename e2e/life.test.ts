import { X509Certificate } from 'node:crypto';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { callApi, type Program, until } from '@ioto/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { askFromDevice } from './asking-device.ts';
import { CountingDevice } from './counting-device.ts';
import { World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await World.create();
});
afterAll(() => world?.[Symbol.asyncDispose]());

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** A plain HTTP server of a test, such as a factory's. */
async function serve(
  answer: (url: string, body: string) => { status?: number; body: string; after?: number },
) {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      const { status = 200, body: text, after = 0 } = answer(request.url ?? '', body);
      setTimeout(() => response.writeHead(status).end(text), after);
    });
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await until('the server', () => server.listening);
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function webOf(program: Program): Promise<string> {
  return `http://127.0.0.1:${(await program.waitFor(/127\.0\.0\.1:(\d+)/))[1]}`;
}

describe('the life of a device', () => {
  it('serialize, register, claim, provision, connect, sync up, sync down', async () => {
    const device = await world.device();
    await using counting = new CountingDevice(device);
    await counting.start();
    const id = await world.registered(device);
    expect(id).toMatch(/^[0-9A-HJKMNP-TV-Z]{10}$/);

    expect((await world.claim(id)).status).toBe(200);
    await counting.program.waitFor(/ready\./);
    const certificate = new X509Certificate((await device.read('certs', 'ioto.crt')) ?? '');
    expect(certificate.subject).toBe(`CN=${id}`);
    expect(certificate.verify(new X509Certificate(world.cloud.authority).publicKey)).toBe(true);

    const reached = await counting.countTo(30);
    await until('the cloud to have it', async () => Number(await world.stored(id, 'counter')) >= reached);
    const { status } = await world.cloud.call('/generic/create', {
      bearer: world.owner.token,
      body: { _type: 'Command', deviceId: id, command: 'blink', args: { times: 3 } },
    });
    expect(status).toBeLessThan(300);
    await counting.program.waitFor(/command blink \{"times":3\}\./);
  });

  it('a Command is acted on once, though the device restarts', async () => {
    const device = await world.device();
    await using counting = new CountingDevice(device);
    await counting.start({ idle: true });
    const id = await world.registered(device);
    expect((await world.claim(id)).status).toBe(200);
    await counting.program.waitFor(/ready\./);
    await counting.kill();
    const body = { _type: 'Command', deviceId: id, command: 'once', args: {} };
    await world.cloud.call('/generic/create', { bearer: world.owner.token, body });
    await counting.start({ idle: true });
    await counting.program.waitFor(/command once/);
    await counting.kill();
    await counting.start({ idle: true });
    await counting.program.waitFor(/ready\./);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(counting.program.stdout).not.toContain('command once');
  });

  it('a waiting device is connected within a second of its claim', async () => {
    const device = await world.device();
    const program = world.switchOn(device);
    const id = await world.registered(device);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const started = Date.now();
    expect((await world.claim(id)).status).toBe(200);
    await world.online(id, program);
    expect(Date.now() - started).toBeLessThan(2000);
  });
});

describe('serialize', () => {
  it('auto: makes claim IDs of the length that is set, each another', async () => {
    const ids = new Set<string>();
    for (let n = 0; n < 3; n += 1) {
      const device = await world.device({ settings: { serialize: { length: 16 } } });
      const program = world.switchOn(device);
      ids.add(await until('an ID', () => device.id()));
      await program.kill();
    }
    expect(ids.size).toBe(3);
    for (const id of ids) expect(id).toMatch(/^[0-9A-HJKMNP-TV-Z]{16}$/);
  });

  it('factory: asks the factory over HTTP, and once only', async () => {
    let asked = 0;
    const factory = await serve(() => {
      asked += 1;
      return { body: JSON.stringify({ id: 'FACT0RYHTT', product: world.product }) };
    });
    const device = await world.device();
    await device.configure({
      ...JSON.parse(await configOf(device.config)),
      services: { serialize: 'factory' },
      api: { builder: world.cloud.api, serialize: `${factory}/serialize` },
    });
    const first = world.switchOn(device);
    expect(await world.registered(device)).toBe('FACT0RYHTT');
    await first.kill();
    const second = world.switchOn(device);
    await webOf(second);
    expect(asked).toBe(1);
    expect(await device.id()).toBe('FACT0RYHTT');
  });

  it('factory: runs the command that is set', async () => {
    const device = await world.device();
    const script = join(device.config, 'serialize.sh');
    await writeFile(script, '#!/bin/sh\necho FACT0RYCMD\n');
    await chmod(script, 0o755);
    await device.configure({
      ...JSON.parse(await configOf(device.config)),
      services: { serialize: 'factory' },
      scripts: { serialize: script },
    });
    world.switchOn(device);
    expect(await world.registered(device)).toBe('FACT0RYCMD');
  });

  it('none: takes the ID of device.json5, and says so when there is none', async () => {
    const device = await world.device({ settings: { services: { serialize: 'none' } } });
    const program = device.start();
    expect((await program.exited).code).not.toBe(0);
    expect(program.stderr).toMatch(/id/i);
    await writeFile(join(device.config, 'device.json5'), "{ claim: 'N0NESER1A1', product: '01H' }");
    const again = world.switchOn(device);
    await webOf(again);
    expect(again.exit).toBeUndefined();
  });
});

describe('services', () => {
  it('web: serves / for an unclaimed device with its claim ID, and static files', async () => {
    const device = await world.device();
    await mkdir(join(device.state, 'site'), { recursive: true });
    await writeFile(join(device.state, 'site', 'hello.txt'), 'hello');
    const program = world.switchOn(device);
    const base = await webOf(program);
    const id = await world.registered(device);
    const page = await callApi({ url: `${base}/`, method: 'GET' });
    expect(page.status).toBe(200);
    expect(page.text.replaceAll(/[^0-9A-Z]/g, '')).toContain(id);
    const file = await callApi({ url: `${base}/hello.txt`, method: 'GET' });
    expect(file.text).toBe('hello');
    expect(file.headers['content-type']).toMatch(/^text\/plain/);
    expect((await callApi({ url: `${base}/missing`, method: 'GET' })).status).toBe(404);
  });

  it('that are off do not run: without register nobody is asked', async () => {
    const device = await world.device({
      settings: { services: { web: true } },
    });
    const program = world.switchOn(device);
    await webOf(program);
    await new Promise((resolve) => setTimeout(resolve, 800));
    expect(await device.read('config', 'provision.json5')).toBeUndefined();
    expect(program.exit).toBeUndefined();
  });

  it('that another needs are forced on, with a warning', async () => {
    const device = await world.device({ settings: { services: { sync: true } } });
    const program = world.switchOn(device);
    await world.registered(device);
    expect(program.stderr).toMatch(/service mqtt needs provision/);
    expect(program.stderr).toMatch(/service sync needs database/);
  });

  it('that this build does not contain are a warning, not an error', async () => {
    const device = await world.device();
    await device.configure({
      ...JSON.parse(await configOf(device.config)),
      services: { register: true, telepathy: true },
    });
    const program = world.switchOn(device);
    await world.registered(device);
    expect(program.stderr + program.stdout).toMatch(/does not contain the service telepathy/);
  });

  it('url: makes calls with method, JSON, timeout, authority and stream', async () => {
    const base = await serve((url, body) =>
      url === '/slow'
        ? { body: 'late', after: 3000 }
        : { status: url === '/teapot' ? 418 : 200, body: body || 'fine' },
    );
    const device = await world.device({
      settings: { services: { url: true } },
    });
    expect(await askFromDevice(device, `${base}/x`)).toEqual({ status: 200, text: 'fine' });
    expect(await askFromDevice(device, `${base}/x`, { json: { a: 1 } })).toEqual({
      status: 200,
      text: '{"a":1}',
    });
    expect(await askFromDevice(device, `${base}/teapot`, { method: 'PUT', body: 'tea' })).toEqual({
      status: 418,
      text: 'tea',
    });
    expect(await askFromDevice(device, `${base}/x`, { stream: true })).toEqual({ status: 200, text: 'fine' });
    expect(await askFromDevice(device, `${base}/slow`, { timeout: 200 })).toMatchObject({
      code: 'URL_TIMEOUT',
    });
    const health = `${world.cloud.origin}/healthz`;
    expect(await askFromDevice(device, health)).toMatchObject({ status: 200 });
    expect(await askFromDevice(device, health, { ca: world.cloud.authority })).toMatchObject({ status: 200 });
    expect(await askFromDevice(device, 'nonsense')).toMatchObject({ code: 'URL_BAD' });
  });
});

async function configOf(config: string): Promise<string> {
  return readFile(join(config, 'ioto.json5'), 'utf8');
}
