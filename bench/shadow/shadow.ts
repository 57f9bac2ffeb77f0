import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudProgram } from '@ioto/testkit/programs/cloud-program';
import { prepareSite } from '../life/fleet-life.ts';
import { GENERATOR_CORE, SERVER_CORE } from '../mqtt/servers/server.ts';
import { type Bench, type Figure, figure } from '../report.ts';
import { askProcess } from '../sync/ask-process.ts';
import { keepOn, makeDevices } from '../sync/site.ts';
import type { Updated, UpdateTask } from './load/generator.ts';

const DEVICES = 50;

/** What each device has under way, at most what the cloud answers at once; and how many updates it sends. */
const LOADS = {
  // A device sends at most 100 messages a second.
  one: { devices: 1, window: 1, updates: 200 },
  'fleet.window1': { devices: DEVICES, window: 1, updates: 100 },
  'fleet.window10': { devices: DEVICES, window: 10, updates: 200 },
} as const;

/**
 * Updates of shadows until the cloud says that they are accepted, and durable: the built cloud alone on one core, devices with
 * mutual TLS on the other. Beside it LMDB with the same items.
 */
export const bench: Bench = async ({ progress, devices: count = DEVICES }) => {
  const figures: Figure[] = [];
  const state = mkdtempSync(join(tmpdir(), 'ioto-bench-cloud-'));
  const file = (name: string) => new URL(name, import.meta.url).href;
  try {
    await using cloud = await CloudProgram.start({ state });
    keepOn(SERVER_CORE, cloud.program.pid);
    const { site, owner } = await prepareSite(cloud);
    progress(`making ${count} devices`);
    const fleet = await makeDevices(count, { cloud, site, owner });
    site.http.destroy();
    const update = (task: Omit<UpdateTask, 'pids'>) =>
      askProcess<Updated>(GENERATOR_CORE, file('load/generator.ts'), { ...task, pids: [cloud.program.pid] });
    await update({ devices: fleet, updates: 5, window: 1 });
    for (const [name, { devices, window, updates }] of Object.entries(LOADS)) {
      const task = { devices: fleet.slice(0, devices), window, updates };
      const raw = await askProcess<number>(SERVER_CORE, file('raw-puts.ts'), {
        writers: task.devices.length * window,
        puts: Math.ceil(updates / window),
      });
      const { rate, p50, p99, rejected, cpu } = await update(task);
      if (rejected > 0) progress(`  ${name}: ${rejected} updates were rejected`);
      const rows = [
        figure(`${name}.rate`, rate, '/s', ['raw lmdb', raw]),
        figure(`${name}.p50`, p50, 'ms'),
        figure(`${name}.p99`, p99, 'ms'),
        figure(`${name}.cloudCpu`, ((cpu.server / rate) * 1e6) / cpu.seconds, 'µs an update'),
      ];
      figures.push(...rows);
      for (const each of rows) progress(`  ${each.figure}: ${each.value} ${each.unit}`);
    }
    return figures;
  } finally {
    rmSync(state, { recursive: true, force: true });
  }
};
