import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SigningCredentials } from '@ioto/protocol';
import { makeFleetIdentities, SimulatedDevice } from '@ioto/testkit/fleet/index';
import { CloudProgram } from '@ioto/testkit/programs/cloud-program';
import { claim, prepareSite } from '../life/fleet-life.ts';
import { GENERATOR_CORE, SERVER_CORE } from '../mqtt/servers/server.ts';
import { type Bench, type Figure, figure } from '../report.ts';
import { askProcess } from '../sync/ask-process.ts';
import { keepOn } from '../sync/site.ts';
import { inProcessFigures } from './in-process.ts';
import type { KeysAnswer, KeysTask } from './load/generator.ts';

const DEVICES = 60;
/** A device is given 60 credentials in an hour, by both ways together. */
const EACH = 28;
const WINDOW = 16;

/**
 * Credentials and signatures: first what one core does of them without a network, then the built cloud alone on one core,
 * asked over HTTPS on kept connections from the other. Beside each the least that it could cost.
 */
export const bench: Bench = async ({ progress, devices: count = DEVICES }) => {
  const figures: Figure[] = [];
  const add = (...rows: Figure[]) => {
    figures.push(...rows);
    for (const { figure: name, value, unit, peer, peerValue } of rows)
      progress(`  ${name}: ${value} ${unit}${peer === undefined ? '' : `, ${peer} ${peerValue}`}`);
  };
  add(...(await inProcessFigures()));
  const state = mkdtempSync(join(tmpdir(), 'ioto-bench-cloud-'));
  try {
    await using cloud = await CloudProgram.start({ state });
    keepOn(SERVER_CORE, cloud.program.pid);
    progress(`making ${count} devices`);
    const devices = await makeDevices(count, cloud);
    const access = { origin: cloud.origin, authority: cloud.authority };
    const ask = async (task: KeysTask) => {
      const { perSecond, wrong } = await askProcess<KeysAnswer>(
        GENERATOR_CORE,
        '../keys/load/generator.ts',
        task,
      );
      if (wrong.length > 0) throw new Error(`${task.kind} was answered with ${wrong.slice(0, 5).join(', ')}`);
      return perSecond;
    };
    const account = await cloud.json(['credentials', '--account', devices[0]?.accountId ?? '']);
    const keys = account as unknown as SigningCredentials;
    const tool = { ...access, each: 250, keys, window: WINDOW };
    const healthz = await ask({ ...tool, kind: 'healthz' });
    const signed = await ask({ ...tool, kind: 'signed' });
    const peer: [string, number] = ['GET /healthz', healthz];
    add(figure('signed.https', signed, 'requests/s', peer));
    add(
      figure('getCreds.https', await ask({ ...access, each: EACH, kind: 'getCreds', devices }), '/s', peer),
    );
    add(
      figure('provider.https', await ask({ ...access, each: EACH, kind: 'provider', devices }), '/s', peer),
    );
  } finally {
    rmSync(state, { recursive: true, force: true });
  }
  return figures;
};

async function makeDevices(count: number, cloud: CloudProgram) {
  const { site, owner } = await prepareSite(cloud);
  const devices = [];
  for (const identity of await makeFleetIdentities(count)) {
    const device = new SimulatedDevice(identity, site);
    await device.register();
    await claim(identity.id, site, owner);
    const registered = await device.register();
    const { certificate } = await device.provision(registered);
    const { token = '' } = registered;
    const { port, authority } = cloud;
    const { accountId } = owner;
    const facts = { deviceId: identity.id, accountId, port, authority, certificate, token };
    devices.push({ ...facts, key: identity.keyPem });
  }
  site.http.destroy();
  return devices;
}
