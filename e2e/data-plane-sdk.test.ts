import { readFile } from 'node:fs/promises';
import { Agent, request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import {
  DeleteThingShadowCommand,
  GetRetainedMessageCommand,
  GetThingShadowCommand,
  IoTDataPlaneClient,
  type IoTDataPlaneClientConfig,
  ListNamedShadowsForThingCommand,
  ListRetainedMessagesCommand,
  PublishCommand,
  UpdateThingShadowCommand,
} from '@aws-sdk/client-iot-data-plane';
import { type DeviceFiles, freePort, Program } from '@ioto/testkit';
import mqtt from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ToolKeys, toolKeys, toolOptions } from './mqtt-tool.ts';
import { World } from './world.ts';

const DEVICE = fileURLToPath(new URL('./devices/shadow-device.mjs', import.meta.url));

let world: World;
let mtls: number;
let files: DeviceFiles;
let id: string;
let tool: IoTDataPlaneClient;
let user: ToolKeys;
const programs: Program[] = [];

function dataPlane(keys: ToolKeys, more: Partial<IoTDataPlaneClientConfig> = {}): IoTDataPlaneClient {
  const httpsAgent = new Agent({ ca: world.cloud.authority, keepAlive: true });
  return new IoTDataPlaneClient({
    ...{
      endpoint: `https://localhost:${world.cloud.port}`,
      region: 'local',
      credentials: keys,
      maxAttempts: 1,
    },
    requestHandler: { httpsAgent },
    ...more,
  });
}

/** A device's own program, which does as its shadow desires. */
function switchOn(device: DeviceFiles): Program {
  const program = Program.spawnScript(DEVICE, [device.config, device.state]);
  programs.push(program);
  return program;
}

beforeAll(async () => {
  mtls = await freePort();
  world = await World.create({ args: ['--mtls', `127.0.0.1:${mtls}`] });
  const connected = await world.connectedDevice();
  ({ device: files, id } = connected);
  await connected.program.kill();
  user = await toolKeys(world, 'user');
  tool = dataPlane(user);
});
afterAll(async () => {
  await Promise.all(programs.map((program) => program.kill()));
  await world?.[Symbol.asyncDispose]();
});

const bytes = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
const json = (payload: Uint8Array | undefined) => JSON.parse(Buffer.from(payload ?? []).toString());
const update = (state: unknown, more: object = {}, client = tool) =>
  client.send(new UpdateThingShadowCommand({ thingName: id, payload: bytes({ state }), ...more }));

describe('a device with its certificate', () => {
  it.each([
    ['the port of --mtls', () => ({ port: mtls })],
    ['the main port with ALPN', () => ({ port: world.cloud.port, ALPNProtocols: ['x-amzn-http-ca'] })],
  ])('reads its shadow and publishes by %s, without signing', async (_name, door) => {
    const certs = join(files.state, 'certs');
    const agent = new Agent({
      ca: world.cloud.authority,
      cert: await readFile(join(certs, 'ioto.crt')),
      key: await readFile(join(certs, 'ioto.key')),
      ...door(),
    });
    const ask = (method: string, path: string, body = '') =>
      new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
        const { port } = door();
        httpsRequest({ host: 'localhost', port, path, method, agent }, async (answer) =>
          resolve({ status: answer.statusCode, body: await text(answer) }),
        )
          .on('error', reject)
          .end(body);
      });
    const state = JSON.stringify({ state: { reported: { by: 'certificate' } } });
    expect(await ask('POST', `/things/${id}/shadow`, state)).toMatchObject({ status: 200 });
    expect((await ask('GET', `/things/${id}/shadow`)).body).toContain('"by":"certificate"');
    expect(await ask('GET', '/things/OTHER/shadow')).toMatchObject({ status: 403 });
    const set = JSON.stringify({ key: 'by-https', value: 'yes', type: 'string' });
    const topic = encodeURIComponent(`$aws/rules/IotoDevice/ioto/service/${id}/store/set`);
    expect(await ask('POST', `/topics/${topic}?qos=1`, set)).toMatchObject({ status: 200 });
    expect(await world.stored(id, 'by-https')).toBe('yes');
    agent.destroy();
  });
});

describe('the program of a device', () => {
  it('does what its shadow desires, and at its next start what was desired while it was off', async () => {
    const { device, program, id: thingName } = await world.connectedDevice();
    await program.kill();
    const desire = (desired: object) =>
      tool.send(new UpdateThingShadowCommand({ thingName, payload: bytes({ state: { desired } }) }));
    const shadow = async () => json((await tool.send(new GetThingShadowCommand({ thingName }))).payload);
    const first = switchOn(device);
    await first.waitFor(/counted/);
    await desire({ lamp: { on: true } });
    await first.waitFor(/did \{"lamp":\{"on":true\}\}/);
    expect((await shadow()).state).toEqual({
      desired: { lamp: { on: true } },
      reported: { lamp: { on: true }, starts: 1 },
    });
    await first.kill('SIGTERM');
    await desire({ lamp: { on: false, colour: 'red' } });
    const second = switchOn(device);
    await second.waitFor(/reports \{.*"starts":1.*\}/);
    await second.waitFor(/did \{"lamp":\{"on":false,"colour":"red"\}\}/);
    await second.waitFor(/counted/);
    await expect
      .poll(async () => (await shadow()).state.reported)
      .toEqual({ lamp: { on: false, colour: 'red' }, starts: 2 });
  });
});

describe('the data plane client of the AWS SDK', () => {
  it('makes, reads, lists and removes shadows', async () => {
    expect(json((await update({ desired: { a: 1 } }, { shadowName: 'one' })).payload)).toMatchObject({
      version: 1,
    });
    await update({}, { shadowName: 'two' });
    const of = { thingName: id, shadowName: 'one' };
    const { payload } = await tool.send(new GetThingShadowCommand(of));
    expect(json(payload)).toMatchObject({ state: { desired: { a: 1 }, delta: { a: 1 } }, version: 1 });
    const first = await tool.send(new ListNamedShadowsForThingCommand({ thingName: id, pageSize: 1 }));
    expect(first.results).toEqual(['one']);
    const { nextToken } = first;
    const rest = await tool.send(new ListNamedShadowsForThingCommand({ thingName: id, nextToken }));
    expect(rest).toMatchObject({ results: ['two'], timestamp: expect.any(Number) });
    expect(json((await tool.send(new DeleteThingShadowCommand(of))).payload)).toMatchObject({ version: 1 });
    await expect(tool.send(new GetThingShadowCommand(of))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
  });

  it('publishes, and reads what is retained, also after a restart of the cloud', async () => {
    const topic = `app/${world.owner.accountId}/a b/c`;
    const console = await mqtt.connectAsync(
      await toolOptions(world, user, { clientId: 'console', protocolVersion: 5 }),
    );
    await console.subscribeAsync(`app/${world.owner.accountId}/#`, { qos: 1 });
    const heard = new Promise((resolve) =>
      console.once('message', (at, payload, { properties }) => resolve([at, String(payload), properties])),
    );
    const userProperties = JSON.stringify([{ deviceName: 'alpha' }]);
    const said = {
      payload: bytes('hello'),
      contentType: 'text/plain',
      responseTopic: 'app/r',
      userProperties,
    };
    await tool.send(new PublishCommand({ topic, qos: 1, retain: true, ...said }));
    expect(await heard).toEqual([
      topic,
      'hello',
      expect.objectContaining({ contentType: 'text/plain', responseTopic: 'app/r' }),
    ]);
    await console.endAsync(true);
    await world.stopCloud();
    await world.startCloud();
    const message = await tool.send(new GetRetainedMessageCommand({ topic }));
    expect({ ...message, payload: String(Buffer.from(message.payload ?? [])) }).toMatchObject({
      ...{ topic, payload: 'hello', qos: 1 },
    });
    expect(message.lastModifiedTime).toBeGreaterThan(Date.now() - 600_000);
    expect(json(message.userProperties)).toEqual([{ deviceName: 'alpha' }]);
    const { retainedTopics } = await tool.send(new ListRetainedMessagesCommand({}));
    expect(retainedTopics).toMatchObject([{ topic, payloadSize: 5, qos: 1 }]);
  });

  const unsigned = () => dataPlane(user, { signer: { sign: async (request) => request } });
  const asPut = () => {
    const client = dataPlane(user);
    client.middlewareStack.add(
      (next) => (args) => {
        (args.request as { method: string }).method = 'PUT';
        return next(args);
      },
      { step: 'build' },
    );
    return client;
  };
  const viewer = async () => dataPlane(await toolKeys(world, 'viewer'));
  const raw = (payload: Uint8Array) => tool.send(new UpdateThingShadowCommand({ thingName: id, payload }));

  /** More at once than one thing may have under way; on a busy machine the first of them may come one by one. */
  const flood = async () => {
    for (let wave = 0; wave < 30; wave += 1) await Promise.all(Array.from({ length: 60 }, () => update({})));
  };

  it.each<[string, number, () => Promise<unknown>]>([
    ['InvalidRequestException', 400, () => raw(bytes('{'))],
    ['UnauthorizedException', 401, () => update({}, {}, unsigned())],
    ['ForbiddenException', 403, async () => update({}, {}, await viewer())],
    ['ForbiddenException', 403, () => tool.send(new PublishCommand({ topic: 'app/other/x' }))],
    ['ResourceNotFoundException', 404, () => tool.send(new GetThingShadowCommand({ thingName: 'NOBODY' }))],
    ['MethodNotAllowedException', 405, () => update({}, {}, asPut())],
    ['ConflictException', 409, () => raw(bytes({ state: {}, version: 9999 }))],
    ['RequestEntityTooLargeException', 413, () => update({ desired: { a: 'x'.repeat(9000) } })],
    ['UnsupportedDocumentEncodingException', 415, () => raw(new Uint8Array([0x22, 0xff, 0x22]))],
    // Last of all, as it leaves nothing of the rate of this device's shadows.
    ['ThrottlingException', 429, flood],
  ])('is told %s', async (name, status, request) => {
    await expect(request()).rejects.toMatchObject({ name, $metadata: { httpStatusCode: status } });
  });
});
