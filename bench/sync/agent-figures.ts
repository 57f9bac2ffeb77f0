import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Agent, createAgent } from '@ioto/agent';
import { itemsTopic } from '@ioto/protocol';
import type { FleetSite } from '@ioto/testkit/fleet/index';
import type { CloudProgram } from '@ioto/testkit/programs/cloud-program';
import { until } from '@ioto/testkit/until';
import { AwsV4Signer } from 'aws4fetch';
import mqtt, { type MqttClient } from 'mqtt';
import { rawAppendRate } from '../database/raw-append.ts';
import { claim, type FleetOwner } from '../life/fleet-life.ts';
import { type Figure, figure, percentile } from '../report.ts';
import { CountingProxy } from './counting-proxy.ts';
import { changeOf, storeItem } from './load/batches.ts';

const CHANGES = 300;
/** Milliseconds between two of them, in which everything comes to rest. */
const PAUSE = 20;
/** Changes whose bytes are counted. */
const COUNTED = 1000;

interface World {
  cloud: CloudProgram;
  site: FleetSite;
  owner: FleetOwner;
}

/** A real agent, and a tool that hears what the cloud commits: how long a change takes, and how much of the line. */
export async function agentFigures(world: World): Promise<Figure[]> {
  const directory = mkdtempSync(join(tmpdir(), 'ioto-bench-sync-'));
  await using proxy = await CountingProxy.start(world.cloud.port);
  const agent = await startAgent(join(directory, 'device'), proxy.port, world);
  const tool = await connectTool(world);
  try {
    const seen = await changesSeen(agent, tool, world.owner);
    const append = 1000 / rawAppendRate(directory, 300, 200);
    const bytes = await bytesOfChange(agent, proxy);
    return [
      figure('seen.p50', percentile(seen, 0.5), 'ms', ['one append with its sync', append]),
      figure('seen.p99', percentile(seen, 0.99), 'ms', ['one append with its sync', append]),
      figure('bytes.change', bytes, 'B', ["the contract's form", contractBytes(agent.id, world.owner)]),
    ];
  } finally {
    await tool.endAsync();
    await agent.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function startAgent(state: string, port: number, { site, owner }: World): Promise<Agent> {
  const authority = `${state}.pem`;
  writeFileSync(authority, site.authority);
  const settings = {
    tls: { authority },
    web: { listen: [] },
    register: { first: '100 msec', limit: '1 sec' },
    mqtt: { port, first: '50 msec', limit: '500 msec' },
  };
  const agent = createAgent({ state, builder: site.builder, product: site.product, settings });
  const ready = agent.next('cloud:ready', AbortSignal.timeout(30_000));
  const registered = agent.next('device:registered', AbortSignal.timeout(30_000));
  await agent.start();
  await registered;
  await claim(agent.id, site, owner);
  await ready;
  return agent;
}

async function connectTool({ cloud, owner }: World): Promise<MqttClient> {
  const keys = await cloud.json(['credentials', '--account', owner.accountId, '--role', 'viewer']);
  const signer = new AwsV4Signer({
    ...{ service: 'iotdevicegateway', region: 'local', signQuery: true, method: 'GET' },
    ...(keys as unknown as { accessKeyId: string; secretAccessKey: string; sessionToken: string }),
    url: `${cloud.origin}/mqtt`,
  });
  const url = (await signer.sign()).url.toString().replace(/^https/, 'wss');
  const tool = await mqtt.connectAsync(url, {
    ...{ transformWsUrl: () => url, ca: cloud.authority, clientId: 'bench', reconnectPeriod: 0 },
  });
  await tool.subscribeAsync(`${itemsTopic.ofAccount(owner.accountId)}/+/Store`, { qos: 1 });
  return tool;
}

/** Milliseconds from the call that sets a value to the tool that hears of it. */
async function changesSeen(agent: Agent, tool: MqttClient, { accountId }: FleetOwner): Promise<number[]> {
  const heard = new Map<string, () => void>();
  const topic = itemsTopic.item(accountId, agent.id, 'Store');
  tool.on('message', (on, payload) => {
    if (on === topic) heard.get(JSON.parse(payload.toString()).value)?.();
  });
  const samples: number[] = [];
  for (let value = 1; value <= CHANGES; value += 1) {
    const arrived = new Promise<void>((resolve) => heard.set(String(value), resolve));
    const started = performance.now();
    void agent.store.set('level', value);
    await arrived;
    samples.push(performance.now() - started);
    heard.delete(String(value));
    await delay(PAUSE);
  }
  // The first ones also compile.
  return samples.slice(CHANGES / 10);
}

/** Bytes that a device sends for one of many small changes, with MQTT and TLS around them. */
async function bytesOfChange(agent: Agent, proxy: CountingProxy): Promise<number> {
  await delay(500);
  const before = proxy.sent;
  const sets = Array.from({ length: COUNTED }, (_, index) =>
    agent.store.set(`sensor/reading/${index}`, index),
  );
  await Promise.all(sets);
  let last = -1;
  await until('the device to be silent', async () => {
    const now = proxy.sent;
    await delay(500);
    const isSilent = now === last && now > before;
    last = now;
    return isSilent;
  });
  return (proxy.sent - before) / COUNTED;
}

/** The same changes as agents of the field send them, in messages of 64 KiB. */
function contractBytes(deviceId: string, { accountId }: FleetOwner): number {
  const texts = Array.from({ length: COUNTED }, (_, index) => {
    const { created, ...item } = storeItem({ deviceId, accountId }, index, 0);
    return JSON.stringify(changeOf({ created, ...item }, { isNew: false, lean: false }));
  });
  return texts.reduce((sum, text) => sum + text.length + 1, 0) / COUNTED;
}
