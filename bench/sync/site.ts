import { spawnSync } from 'node:child_process';
import { type FleetSite, makeFleetIdentities, SimulatedDevice } from '@ioto/testkit/fleet/index';
import type { CloudProgram } from '@ioto/testkit/programs/cloud-program';
import { claim, type FleetOwner } from '../life/fleet-life.ts';
import type { DeviceKeys } from './load/device-link.ts';

/** Keeps a program that runs already, with all its threads, on a core. */
export function keepOn(core: string, pid: number): void {
  spawnSync('taskset', ['-a', '-p', '-c', core, String(pid)]);
}

/** Devices that the owner has claimed and that have their certificates. */
export async function makeDevices(
  count: number,
  { cloud, site, owner }: { cloud: CloudProgram; site: FleetSite; owner: FleetOwner },
): Promise<DeviceKeys[]> {
  const devices: DeviceKeys[] = [];
  for (const identity of await makeFleetIdentities(count)) {
    const device = new SimulatedDevice(identity, site);
    await device.register();
    await claim(identity.id, site, owner);
    const { certificate } = await device.provision(await device.register());
    const { port, authority } = cloud;
    const { accountId } = owner;
    devices.push({ deviceId: identity.id, accountId, port, authority, certificate, key: identity.keyPem });
  }
  return devices;
}
