import type { ProvisionAnswer } from '@ioto/protocol';
import {
  type FleetIdentity,
  type FleetSite,
  fleetHttp,
  postJson,
  SimulatedDevice,
} from '@ioto/testkit/fleet/index';
import type { CloudProgram } from '@ioto/testkit/programs/cloud-program';

export interface FleetOwner {
  accountId: string;
  /** Cloud API token. */
  token: string;
}

export interface FleetResult {
  devicesPerSecond: number;
  /** Milliseconds of each life, from the first register call to the first acknowledged sync. */
  lives: number[];
}

/** A product and an account in a fresh cloud, and a fleet's way to it. */
export async function prepareSite(cloud: CloudProgram): Promise<{ site: FleetSite; owner: FleetOwner }> {
  const product = await cloud.id(['product', 'create', 'Bench']);
  const accountId = await cloud.id(['account', 'create', 'Bench']);
  const token = await cloud.id(['token', 'create', '--type', 'cloudApi']);
  const http = fleetHttp(cloud.authority, 16);
  return {
    site: { builder: cloud.api, authority: cloud.authority, product, http },
    owner: { accountId, token },
  };
}

/** Takes every device through register, claim, provision, mutual TLS connect and first sync, `concurrency` at a time. */
export async function runLives(
  identities: readonly FleetIdentity[],
  site: FleetSite,
  owner: FleetOwner,
  concurrency: number,
  onLife: (done: number) => void,
): Promise<FleetResult> {
  const queue = [...identities];
  const lives: number[] = [];
  const connected: SimulatedDevice[] = [];
  const started = performance.now();
  try {
    await Promise.all(
      Array.from({ length: concurrency }, async () => {
        for (let identity = queue.pop(); identity; identity = queue.pop()) {
          const born = performance.now();
          const device = new SimulatedDevice(identity, site);
          connected.push(device);
          await live(device, site, owner);
          lives.push(performance.now() - born);
          onLife(lives.length);
        }
      }),
    );
    return { devicesPerSecond: lives.length / ((performance.now() - started) / 1000), lives };
  } finally {
    for (const device of connected) device.close();
  }
}

async function live(device: SimulatedDevice, site: FleetSite, owner: FleetOwner): Promise<void> {
  await device.register();
  await claim(device.identity.id, site, owner);
  const provision: ProvisionAnswer = await device.provision(await device.register());
  await device.connect(provision);
  await device.syncUp('counter', '1', 1);
}

export async function claim(
  id: string,
  { http, builder }: FleetSite,
  { accountId, token }: FleetOwner,
): Promise<void> {
  await postJson(
    http,
    `${builder}/tok/device/claim`,
    { id, accountId },
    { authorization: `bearer ${token}` },
  );
}
