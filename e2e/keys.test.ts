import { once } from 'node:events';
import { Agent as HttpsAgent } from 'node:https';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  CloudWatchClient,
  GetMetricStatisticsCommand,
  PutMetricDataCommand,
} from '@aws-sdk/client-cloudwatch';
import { type Agent, createAgent } from '@ioto/agent';
import { type DeviceFiles, Program } from '@ioto/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { World } from './world.ts';

const X509 = fileURLToPath(new URL('./devices/aws-x509-credentials.mjs', import.meta.url));

let world: World;
let files: DeviceFiles;
let agent: Agent;
let hasPort443: boolean;

beforeAll(async () => {
  hasPort443 = await isFree(443);
  // The certificate has to come through the process that does TLS.
  world = await World.create({
    args: ['--workers', '1', ...(hasPort443 ? ['--mtls', '127.0.0.1:443'] : [])],
  });
  files = await world.device({ settings: { web: { listen: [] } } });
  agent = await started();
  await world.cloud.json([
    'alias',
    'create',
    'brief',
    '--account',
    world.owner.accountId,
    '--seconds',
    '900',
  ]);
});
afterAll(async () => {
  await agent?.stop();
  await world?.[Symbol.asyncDispose]();
});

/** An agent within this process, as products embed it, connected. */
async function started(keys: object = {}): Promise<Agent> {
  const made = createAgent({ config: files.config, state: files.state, settings: { keys } });
  const connected = made.next('mqtt:connected', AbortSignal.timeout(20_000));
  // Only now: released, it waits once more.
  const off = made.once('device:waiting', ({ id }) => void world.claim(id));
  await made.start();
  await connected;
  off();
  return made;
}

async function restarted(keys: object): Promise<void> {
  await agent.stop();
  agent = await started(keys);
}

/** Listening on it takes a right that not every user has. */
async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}

/** A metric of this device alone, by the credentials that its agent has, through AWS's own client. */
async function putMetric(MetricName: string): Promise<void> {
  const { region, ...credentials } = await agent.keys.get();
  const client = new CloudWatchClient({
    ...{ endpoint: agent.keys.endpoints?.monitoring, region, credentials, maxAttempts: 1 },
    requestHandler: { httpsAgent: new HttpsAgent({ ca: world.cloud.authority }) },
  });
  const metric = { MetricName, Dimensions: [{ Name: 'Device', Value: agent.id }] };
  const Namespace = 'Embedthis/Device';
  try {
    const MetricData = [{ ...metric, Value: 7 }];
    await client.send(new PutMetricDataCommand({ Namespace, MetricData }));
    const { Datapoints } = await client.send(
      new GetMetricStatisticsCommand({
        ...{ Namespace, ...metric, Period: 3600, Statistics: ['Sum'] },
        ...{ StartTime: new Date(Date.now() - 3_600_000), EndTime: new Date(Date.now() + 1000) },
      }),
    );
    expect(Datapoints).toMatchObject([{ Sum: 7 }]);
    // The same that the device itself sets and asks for over MQTT.
    expect(await agent.metric.get(MetricName, { Device: agent.id }, 3600, 'p50')).toBe(7);
  } finally {
    client.destroy();
  }
}

const minutesLeft = async () => Math.round(((await agent.keys.get()).expires - Date.now()) / 60_000);

describe('the agent of a device', () => {
  it('has credentials of the device cloud for an hour, and the endpoints that they are for', async () => {
    const renewed = agent.next('keys:renewed', AbortSignal.timeout(5000));
    await putMetric('heat');
    expect(await renewed).toMatchObject({ region: 'local' });
    expect(await minutesLeft()).toBe(60);
    const { origin } = world.cloud;
    expect(agent.keys.endpoints).toEqual({ logs: origin, s3: origin, monitoring: origin });
  });

  it('has them for its certificate where a role alias is named, for as long as that says', async () => {
    await restarted({ role: 'brief', endpoint: `localhost:${world.cloud.port}` });
    await putMetric('cold');
    expect(await minutesLeft()).toBe(15);
  });

  it('says which alias there is not', async () => {
    await restarted({ role: 'none', endpoint: `localhost:${world.cloud.port}` });
    await expect(agent.keys.get()).rejects.toMatchObject({
      code: 'HTTP_404',
      message: expect.stringContaining('Role alias does not exist'),
    });
  });
});

describe("AWS's own credentials provider for certificates", () => {
  it('gets credentials that AWS’s own signing is accepted with', async (context) => {
    // It knows no other port.
    if (!hasPort443) return context.skip('port 443 of this machine is not to be had');
    const certs = (name: string) => join(files.state, 'certs', name);
    const access = { cert: certs('ioto.crt'), key: certs('ioto.key'), ca: world.cloud.authorityFile };
    const stdin = JSON.stringify({
      ...access,
      port: world.cloud.port,
      thingName: agent.id,
      roleAlias: 'brief',
    });
    await using program = Program.spawnScript(X509, [], { stdin });
    await program.waitFor(/^over$/m, { timeout: 20_000 });
    expect(JSON.parse(program.stdout.split('\n')[0] ?? '')).toEqual({ status: 200, body: '{}' });
  });
});

/** What uses the credentials that the agent has now, and asks for no others. */
async function holder() {
  const { region, ...credentials } = await agent.keys.get();
  const client = new CloudWatchClient({
    ...{ endpoint: world.cloud.origin, region, credentials, maxAttempts: 1 },
    requestHandler: { httpsAgent: new HttpsAgent({ ca: world.cloud.authority }) },
  });
  const put = () =>
    client.send(
      new PutMetricDataCommand({ Namespace: 'Fleet', MetricData: [{ MetricName: 'Heat', Value: 1 }] }),
    );
  return { client, put };
}

describe('a device whose certificate is revoked', () => {
  it('has no use of what was given for it, and gets both anew by its identity key', async () => {
    await restarted({ role: 'brief', endpoint: `localhost:${world.cloud.port}` });
    const { client, put } = await holder();
    await put();
    const back = agent.next('mqtt:connected', AbortSignal.timeout(30_000));
    await world.adminCall('/device/revoke', { id: agent.id });
    await expect(put()).rejects.toMatchObject({ name: 'ExpiredTokenException' });
    await back;
    agent.keys.refused(await agent.keys.get());
    await putMetric('warm');
    await expect(put()).rejects.toMatchObject({ name: 'ExpiredTokenException' });
    client.destroy();
  });
});

describe('a device that is released', () => {
  it('has no use of its credentials any more', async () => {
    await restarted({});
    const { client, put } = await holder();
    await put();
    const released = agent.next('device:released', AbortSignal.timeout(20_000));
    await world.adminCall('/device/release', { id: agent.id });
    await expect(put()).rejects.toMatchObject({ name: 'ExpiredTokenException' });
    await released;
    await expect(agent.keys.get()).rejects.toMatchObject({ code: 'NOT_CLAIMED' });
    client.destroy();
  });
});
