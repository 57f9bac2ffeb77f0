import { type CpuUse, countCpu } from '../../mqtt/load/cpu.ts';
import { percentile } from '../../report.ts';
import type { DeviceKeys } from '../../sync/load/device-link.ts';
import { ShadowLink } from './shadow-link.ts';

export interface UpdateTask {
  devices: DeviceKeys[];
  /** Updates of each device. */
  updates: number;
  /** Those that a device has under way. */
  window: number;
  /** Processes of the server. */
  pids: number[];
}

export interface Updated {
  /** Updates accepted in a second. */
  rate: number;
  /** Milliseconds from an update to its answer. */
  p50: number;
  p99: number;
  rejected: number;
  cpu: CpuUse;
}

async function updateAll({ devices, updates, window, pids }: UpdateTask): Promise<Updated> {
  const links = await Promise.all(devices.map((device) => ShadowLink.open(device)));
  const samples: number[] = [];
  let rejected = 0;
  const used = countCpu(pids);
  const one = (link: ShadowLink) =>
    new Promise<void>((resolve) => {
      // Answers come in the order of the requests.
      const under: number[] = [];
      let sent = 0;
      const send = () => {
        if (sent === updates) return;
        sent += 1;
        under.push(performance.now());
        link.update(sent);
      };
      link.answered = (accepted) => {
        samples.push(performance.now() - (under.shift() ?? 0));
        if (!accepted) rejected += 1;
        send();
        if (under.length === 0) resolve();
      };
      for (let at = 0; at < window; at += 1) send();
    });
  await Promise.all(links.map(one));
  const cpu = used();
  await Promise.all(links.map((link) => link.close()));
  const accepted = devices.length * updates - rejected;
  return {
    rate: accepted / cpu.seconds,
    p50: percentile(samples, 0.5),
    p99: percentile(samples, 0.99),
    rejected,
    cpu,
  };
}

process.once('message', async (task: UpdateTask) => {
  try {
    const result = await updateAll(task);
    process.send?.({ result }, () => process.exit(0));
  } catch (error) {
    process.stderr.write(`the generator failed: ${String(error)}\n`);
    process.exit(1);
  }
});
process.send?.({ ready: true });
