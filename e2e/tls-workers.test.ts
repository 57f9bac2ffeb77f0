import { readFileSync } from 'node:fs';
import { Agent as HttpsAgent, request } from 'node:https';
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { callApi, lifeOf, newId, until } from '@ioto/testkit';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { mqttDevice } from './mqtt-device.ts';
import { type ToolKeys, toolKeys, toolOptions } from './mqtt-tool.ts';
import { World } from './world.ts';

const WORKERS = 2;
const STALLED = Array.from({ length: 8 }, (_, index) => `stalled-${index}`);

let world: World;
let id: string;
let options: IClientOptions;
let keys: ToolKeys;
const clients: MqttClient[] = [];

beforeAll(async () => {
  world = await World.create({ args: ['--workers', String(WORKERS)] });
  ({ id, options } = await mqttDevice(world, { protocolVersion: 5 }));
  keys = await toolKeys(world, 'user');
});
afterEach(() => {
  for (const client of clients.splice(0)) client.end(true);
});
afterAll(() => world?.[Symbol.asyncDispose]());

async function open(how: IClientOptions): Promise<MqttClient> {
  const client = await mqtt.connectAsync(how);
  clients.push(client);
  return client.on('error', () => undefined);
}

async function openTool(clientId: string, more: IClientOptions = {}): Promise<MqttClient> {
  return open(await toolOptions(world, keys, { clientId, protocolVersion: 5, ...more }));
}

/** Process IDs of the workers that run now. */
function workerPids(): number[] {
  const { pid } = world.cloud.program;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return children.trim().split(' ').filter(Boolean).map(Number);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function metric(name: string): Promise<number> {
  const { text } = await world.cloud.call('/../metrics', { method: 'GET' });
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1]);
}

const allWorkers = () =>
  until('all workers', async () => (await metric('ioto_tls_workers')) === WORKERS, { every: 50 });

/** MiB of resident memory of the cloud and its workers. */
function memory(): number {
  const sizes = [world.cloud.program.pid, ...workerPids()].map((pid) => {
    const [, kib] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kib);
  });
  return sizes.reduce((sum, kib) => sum + kib, 0) / 1024;
}

describe('a cloud with TLS in worker processes', () => {
  it('has them, and onboards a device through them', async () => {
    expect(workerPids()).toHaveLength(WORKERS);
    expect(await metric('ioto_tls_workers')).toBe(WORKERS);
    const { program } = await world.connectedDevice();
    expect(await program.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  });

  it('sends an agent of the field each packet in a write of its own, which it needs', async () => {
    const agent = world.oldAgent(newId());
    const broke: unknown[] = [];
    agent.events.on('broke', ({ error }) => broke.push(error));
    const power = new AbortController();
    const life = lifeOf(agent, { signal: power.signal }).catch((error) => broke.push(error));
    const ready = agent.events.next('ready', AbortSignal.timeout(20_000));
    await agent.events.next('registered', AbortSignal.timeout(5000));
    expect((await world.claim(agent.id)).status).toBe(200);
    await ready;
    power.abort();
    await life;
    agent.drop();
    expect(broke).toEqual([]);
  });

  it('delivers between clients wherever they came in, over MQTT and WebSocket', async () => {
    const device = await open(options);
    await device.subscribeAsync(`ioto/device/${id}/#`, { qos: 1 });
    const toDevice: string[] = [];
    device.on('message', (topic, payload) => {
      if (topic.endsWith('/note')) toDevice.push(payload.toString());
    });
    const toTools: string[] = [];
    const names = Array.from({ length: 8 }, (_, index) => `tool-${index}`);
    for (const name of names) {
      const tool = await openTool(name);
      await tool.subscribeAsync(`ioto/service/${id}/note`, { qos: 1 });
      tool.on('message', (_topic, payload) => toTools.push(`${name} ${payload}`));
      await tool.publishAsync(`ioto/device/${id}/note`, name, { qos: 1 });
    }
    await until('what the tools sent', () => toDevice.length === names.length);
    expect(toDevice).toEqual(names);
    await device.publishAsync(`ioto/service/${id}/note`, 'x'.repeat(100_000), { qos: 1 });
    await until('what the device sent', () => toTools.length === names.length);
    expect(toTools.sort()).toEqual(names.map((name) => `${name} ${'x'.repeat(100_000)}`));
  });

  it('lets a device take over from itself, wherever either connection came in', async () => {
    let before = await open(options);
    for (let again = 0; again < 10; again += 1) {
      const left = new Promise<number | undefined>((resolve) =>
        before.once('disconnect', ({ reasonCode }) => resolve(reasonCode)),
      );
      const next = await open(options);
      expect(await left).toBe(0x8e);
      before = next;
    }
    await before.publishAsync(`ioto/service/${id}/note`, 'still here', { qos: 1 });
  });

  it('knows where each client comes from', async () => {
    const tool = await openTool('watcher');
    const from: unknown[] = [];
    tool.on('message', (_topic, payload) => from.push(JSON.parse(payload.toString()).ipAddress));
    await tool.subscribeAsync('$aws/events/presence/connected/#', { qos: 1 });
    const direct = await open({ ...options, localAddress: '127.0.0.6' } as IClientOptions);
    await until('the first', () => from.length === 1);
    await direct.endAsync();
    const { cert, key, ca } = options;
    const wsOptions = { cert, key, ca, ALPNProtocols: ['x-amzn-http-ca'], localAddress: '127.0.0.7' };
    await open({ ...options, protocol: 'wss', path: '/mqtt', wsOptions });
    await until('the second', () => from.length === 2);
    expect(from).toEqual(['127.0.0.6', '127.0.0.7']);
    // Whoever comes from this machine's own address may read these without a token.
    expect([await metricsFrom('127.0.0.1'), await metricsFrom('127.0.0.8')]).toEqual([200, 401]);
  });

  it('takes lines of a device by credentials for its certificate, until the certificate is revoked', async () => {
    const { id: own, options: how } = await mqttDevice(world, { protocolVersion: 5 });
    const [certificate, key] = [String(how.cert), String(how.key)];
    const url = `${world.cloud.origin}/role-aliases/ioto/credentials`;
    const ask = () =>
      callApi({
        ...{ url, method: 'GET', authority: world.cloud.authority, certificate, key },
        alpn: ['x-amzn-http-ca'],
      });
    const { expiration: _text, ...credentials } = (await ask()).json.credentials as ToolKeys & {
      expiration: string;
    };
    const client = new CloudWatchLogsClient({
      ...{ endpoint: world.cloud.origin, region: 'local', maxAttempts: 1 },
      credentials,
      requestHandler: { httpsAgent: new HttpsAgent({ ca: world.cloud.authority }) },
    });
    const place = { logGroupName: 'ioto/workers', logStreamName: own };
    await client.send(new CreateLogGroupCommand(place));
    await client.send(new CreateLogStreamCommand(place));
    const put = () => {
      const logEvents = [{ timestamp: Date.now(), message: 'x'.repeat(100_000) }];
      return client.send(new PutLogEventsCommand({ ...place, logEvents }));
    };
    expect((await Promise.all([put(), put(), put(), put()])).every((each) => each.nextSequenceToken)).toBe(
      true,
    );
    const device = await open(how);
    const gone = new Promise((resolve) => device.once('close', () => resolve(undefined)));
    expect((await world.adminCall('/device/revoke', { id: own })).status).toBe(200);
    await gone;
    await expect(put()).rejects.toMatchObject({ name: 'ExpiredTokenException' });
    expect((await ask()).status).toBe(403);
    await expect(open(how)).rejects.toThrow();
    client.destroy();
  });

  it('keeps little for a client that takes nothing, and serves the others meanwhile', async () => {
    const device = await open(options);
    const other = await openTool('other');
    const stalled = await Promise.all(STALLED.map((name) => openTool(name)));
    for (const tool of [other, ...stalled]) await tool.subscribeAsync(`ioto/service/${id}/note`, { qos: 0 });
    for (const tool of stalled) tool.handleMessage = () => undefined;
    let heard = 0;
    other.on('message', () => {
      heard += 1;
    });
    const before = memory();
    for (let message = 1; message <= 300; message += 1) {
      await device.publishAsync(`ioto/service/${id}/note`, Buffer.alloc(120_000), { qos: 1 });
      await until('the other to have it', () => heard === message, { every: 1 });
    }
    // 36 MB have gone by, most of which eight clients have not taken.
    expect(memory() - before).toBeLessThan(150);
    expect((await world.cloud.call('/../healthz', { method: 'GET' })).status).toBe(200);
  });
});

describe('a worker that is killed', () => {
  it('ends its connections, which come back, and is replaced', async () => {
    const { program, id: own } = await world.connectedDevice();
    const restarts = await metric('ioto_tls_worker_restarts_total');
    const ends = () => [...program.stderr.matchAll(/in step with the cloud/g)].length;
    const connected = ends();
    for (const [index, pid] of workerPids().entries()) {
      process.kill(pid, 'SIGKILL');
      await until('another in its place', async () => {
        return (await metric('ioto_tls_worker_restarts_total')) === restarts + index + 1;
      });
      await allWorkers();
    }
    // One of the two had its connection.
    await until('the device to be back', () => ends() > connected, { timeout: 20_000 });
    await world.online(own);
    await program.kill();
  });
});

describe('a cloud that ends', () => {
  it('by SIGTERM tells its clients, and takes its workers along', async () => {
    const pids = workerPids();
    const device = await open(options);
    const told = new Promise<number | undefined>((resolve) =>
      device.once('disconnect', ({ reasonCode }) => resolve(reasonCode)),
    );
    expect(await world.cloud.program.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(await told).toBe(0x8b);
    expect(pids.filter(isAlive)).toEqual([]);
    await world.startCloud();
    expect(workerPids()).toHaveLength(WORKERS);
  });

  it('by SIGKILL leaves no worker behind, and starts again as if nothing had been', async () => {
    const pids = workerPids();
    await world.stopCloud('SIGKILL');
    await until('the workers to be gone', () => !pids.some(isAlive));
    await world.startCloud();
    const device = await open(options);
    await device.publishAsync(`ioto/service/${id}/note`, 'back', { qos: 1 });
  });

  it('does not let signals to the whole group end workers before their time', async () => {
    const [pid = 0] = workerPids();
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.kill(pid, signal);
    const device = await open(options);
    await device.publishAsync(`ioto/service/${id}/note`, 'still here', { qos: 1 });
    expect(workerPids()).toContain(pid);
  });
});

/** Status of a call for the metrics that comes from an address of this machine. */
function metricsFrom(localAddress: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const { port, authority: ca } = world.cloud;
    const how = { host: '127.0.0.1', servername: 'localhost', port, ca, path: '/metrics', localAddress };
    request({ ...how, agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    })
      .on('error', reject)
      .end();
  });
}
