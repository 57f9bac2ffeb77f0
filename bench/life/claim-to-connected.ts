import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { FleetSite } from '@ioto/testkit/fleet/index';
import { DeviceFiles } from '@ioto/testkit/programs/agent-program';
import { claim, type FleetOwner } from './fleet-life.ts';

const CONNECTED = /"connected to the cloud"/;
const WAITING = /waiting to be claimed/;

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
