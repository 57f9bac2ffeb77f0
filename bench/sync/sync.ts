import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudProgram } from '@ioto/testkit/programs/cloud-program';
import { TestAuthority } from '@ioto/testkit/test-authority';
import { prepareSite } from '../life/fleet-life.ts';
import { hasMosquitto, mosquitto } from '../mqtt/servers/mosquitto.ts';
import { GENERATOR_CORE, newPems, SERVER_CORE } from '../mqtt/servers/server.ts';
import { type Bench, type Figure, figure } from '../report.ts';
import { agentFigures } from './agent-figures.ts';
import { askProcess } from './ask-process.ts';
import type { DeviceKeys } from './load/device-link.ts';
import type { SendUpTask, SentUp } from './load/send-up.ts';
import { keepOn, makeDevices } from './site.ts';

/** A device sends at most 100 messages a second. */
const CHANGES = 300;
const DEVICES = 100;

/** Loads, by name: what each of its devices sends, and has under way. */
const LOADS = {
  one: { batches: 120, window: 1 },
  'one.window4': { batches: 120, window: 4 },
  fleet: { batches: 6, window: 1 },
} as const;

/**
 * Changes of devices until the cloud says that they are durable, over mutual TLS: the built cloud alone on one core, devices
 * that send what was built before on the other. Beside it LMDB with the same items, and mosquitto, which only
 * acknowledges the same messages.
 */
export const bench: Bench = async ({ progress, devices: count = DEVICES }) => {
  const figures: Figure[] = [];
  const add = (...rows: Figure[]) => {
    figures.push(...rows);
    for (const { figure: name, value, unit, peer, peerValue } of rows)
      progress(`  ${name}: ${value} ${unit}${peer === undefined ? '' : `, ${peer} ${peerValue}`}`);
  };
  const state = mkdtempSync(join(tmpdir(), 'ioto-bench-cloud-'));
  try {
    await using cloud = await CloudProgram.start({ state });
    keepOn(SERVER_CORE, cloud.program.pid);
    const { site, owner } = await prepareSite(cloud);
    progress('a real agent');
    add(...(await agentFigures({ cloud, site, owner })));
    progress(`making ${count + 3} devices`);
    const [warm, one, four, ...fleet] = await makeDevices(count + 3, { cloud, site, owner });
    site.http.destroy();
    const up = (load: keyof typeof LOADS, devices: DeviceKeys[], round: number) =>
      askProcess<SentUp>(GENERATOR_CORE, 'load/generator.ts', {
        ...{ ...LOADS[load], devices, round, changes: CHANGES, lean: true },
        ...{ until: 'sync', pids: [cloud.program.pid] },
      } satisfies SendUpTask);
    await up('one', [warm as DeviceKeys], 0);
    const subjects = { one: [one as DeviceKeys], 'one.window4': [four as DeviceKeys], fleet };
    for (const [load, devices] of Object.entries(subjects) as [keyof typeof LOADS, DeviceKeys[]][]) {
      const { batches, window } = LOADS[load];
      const task = { devices: devices.length * window, batches: batches / window, changes: CHANGES };
      const raw = await askProcess<{ new: number; update: number }>(SERVER_CORE, 'raw-lmdb-process.ts', task);
      for (const [kind, round] of [
        ['new', 0],
        ['update', 1],
      ] as const) {
        progress(`${load}.${kind}`);
        const result = await up(load, devices, round);
        add(...rowsOf(`up.${load}.${kind}`, result, raw[kind]));
      }
    }
    if (hasMosquitto()) add(figure('messages.mosquitto', await throughMosquitto(fleet), '/s'));
    return figures;
  } finally {
    rmSync(state, { recursive: true, force: true });
  }
};

function rowsOf(name: string, { rate, p99, changes, cpu }: SentUp, raw: number): Figure[] {
  const { server, generator, seconds } = cpu;
  return [
    figure(name, rate, '/s', ['raw lmdb', raw]),
    figure(`${name}.p99`, p99, 'ms a batch'),
    figure(`${name}.cost`, (1e6 * server) / changes, 'µs of CPU a change'),
    figure(`${name}.cpu`, (100 * server) / seconds, '% of a core', [
      'the generator',
      (100 * generator) / seconds,
    ]),
  ];
}

/** Changes a second in the same messages, to a server that has them when it has read them. */
async function throughMosquitto(fleet: readonly DeviceKeys[]): Promise<number> {
  const pems = await newPems(await TestAuthority.create());
  await using server = await mosquitto.start(pems);
  const { tls: port, authority, certificate, key, pids } = server.target;
  const devices = fleet.map((device) => ({ ...device, port, authority, certificate, key }));
  const { rate } = await askProcess<SentUp>(GENERATOR_CORE, 'load/generator.ts', {
    ...{ ...LOADS.fleet, devices, round: 0, changes: CHANGES, lean: false, until: 'puback', pids },
  } satisfies SendUpTask);
  return rate;
}
