import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { FleetSite } from '@ioto/testkit/fleet/index';
import { DeviceFiles } from '@ioto/testkit/programs/agent-program';
import { Program } from '@ioto/testkit/programs/program';
import { type Figure, figure, percentile } from '../report.ts';
import { claim, type FleetOwner } from './fleet-life.ts';
import { memoryOf } from './process-memory.ts';

const RUNS = 7;

/** What one provisioned device of the built agent costs: to start, to connect again, and to keep. */
export async function agentFigures(site: FleetSite, owner: FleetOwner): Promise<Figure[]> {
  const directory = mkdtempSync(join(tmpdir(), 'ioto-bench-agent-'));
  try {
    const { builder, product, authority } = site;
    const device = await DeviceFiles.create({ directory, builder, product, authority });
    const idle = await idleMemory(device);
    await onboard(device, site, owner);
    const node = percentile(Array.from({ length: RUNS }, bareNodeStart), 0.5);
    const local: number[] = [];
    const connected: number[] = [];
    let memory = { rss: 0, private: 0 };
    for (let run = 0; run < RUNS; run += 1) {
      const started = performance.now();
      await using agent = device.start(['--verbose']);
      await agent.waitFor(LOCAL);
      local.push(performance.now() - started);
      await agent.waitFor(CONNECTED);
      connected.push(performance.now() - started);
      if (run === RUNS - 1) {
        await delay(2000);
        memory = memoryOf(agent.pid);
      }
      await agent.kill('SIGTERM');
    }
    return [
      figure('agent.startToLocal.p50', percentile(local, 0.5), 'ms', ['bare Node, start to exit', node]),
      figure('agent.restartToConnected.p50', percentile(connected, 0.5), 'ms', [
        'bare Node, start to exit',
        node,
      ]),
      figure('agent.idle.rss', idle.agent.rss, 'MiB', ['bare Node, idle', idle.node.rss]),
      figure('agent.idle.private', idle.agent.private, 'MiB', ['bare Node, idle', idle.node.private]),
      figure('agent.connected.rss', memory.rss, 'MiB', ['bare Node, idle', idle.node.rss]),
      figure('agent.connected.private', memory.private, 'MiB', ['bare Node, idle', idle.node.private]),
    ];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const LOCAL = /local services are ready/;
const CONNECTED = /"connected to the cloud"/;
const WAITING = /waiting to be claimed/;
const READY = /in step with the cloud/;

function bareNodeStart(): number {
  const started = performance.now();
  spawnSync(process.execPath, ['-e', '0']);
  return performance.now() - started;
}

/** Waiting unclaimed, with every local service; beside a Node that does nothing. */
async function idleMemory(device: DeviceFiles) {
  const script = join(device.directory, 'idle.mjs');
  writeFileSync(script, 'setInterval(() => {}, 1e6)');
  await using agent = device.start(['--verbose']);
  await using node = Program.spawnScript(script, []);
  await agent.waitFor(WAITING);
  await delay(2000);
  const memory = { agent: memoryOf(agent.pid), node: memoryOf(node.pid) };
  await agent.kill('SIGTERM');
  return memory;
}

async function onboard(device: DeviceFiles, site: FleetSite, owner: FleetOwner): Promise<void> {
  await using agent = device.start(['--verbose']);
  await agent.waitFor(WAITING);
  await claim((await device.id()) ?? '', site, owner);
  await agent.waitFor(READY);
  await agent.kill('SIGTERM');
}

/** From the moment that the owner claims to the moment that the waiting device is connected, once per new device. */
export async function claimToConnected(
  site: FleetSite,
  owner: FleetOwner,
  devices: number,
): Promise<number[]> {
  const directory = mkdtempSync(join(tmpdir(), 'ioto-bench-claim-'));
  const { builder, product, authority } = site;
  const samples: number[] = [];
  try {
    for (let index = 0; index < devices; index += 1) {
      const device = await DeviceFiles.create({
        directory: join(directory, `${index}`),
        builder,
        product,
        authority,
      });
      await using agent = device.start(['--verbose']);
      await agent.waitFor(WAITING);
      const id = (await device.id()) ?? '';
      // The long poll leaves right after the event; its owner is a person and takes longer than this.
      await delay(200);
      const started = performance.now();
      await claim(id, site, owner);
      await agent.waitFor(CONNECTED);
      samples.push(performance.now() - started);
    }
    return samples;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
