import { type CpuUse, countCpu } from '../../mqtt/load/cpu.ts';
import { percentile } from '../../report.ts';
import { type BatchTask, batchPackets } from './batches.ts';
import { type DeviceKeys, DeviceLink } from './device-link.ts';

export interface SendUpTask extends BatchTask {
  devices: DeviceKeys[];
  /** Batches that a device has under way. */
  window: number;
  /** What ends a batch: the cloud's word that it is durable, or a server's that it has the message. */
  until: 'sync' | 'puback';
  /** Processes of the server. */
  pids: number[];
}

export interface SentUp {
  /** Changes acknowledged in a second. */
  rate: number;
  /** Milliseconds from a batch to its acknowledgement. */
  p50: number;
  p99: number;
  changes: number;
  cpu: CpuUse;
}

/** Devices that send their batches, each a few at a time, until every change is acknowledged. */
export async function sendUp(task: SendUpTask): Promise<SentUp> {
  const { devices, changes, batches, pids } = task;
  const prepared: { link: DeviceLink; packets: Buffer[] }[] = [];
  for (const device of devices) {
    const link = await DeviceLink.open(device);
    if (task.lean) await link.hello();
    prepared.push({ link, packets: batchPackets(device, task) });
  }
  const samples: number[] = [];
  const used = countCpu(pids);
  await Promise.all(prepared.map(({ link, packets }) => sendAll(link, packets, task, samples)));
  const cpu = used();
  for (const { link } of prepared) await link.close();
  const sent = devices.length * batches * changes;
  return {
    rate: sent / cpu.seconds,
    p50: percentile(samples, 0.5),
    p99: percentile(samples, 0.99),
    changes: sent,
    cpu,
  };
}

function sendAll(
  link: DeviceLink,
  packets: readonly Buffer[],
  { window, until, changes }: SendUpTask,
  samples: number[],
): Promise<void> {
  return new Promise((resolve, reject) => {
    const left = new Map<number, { changes: number; sentAt: number }>();
    let next = 0;
    const send = () => {
      const packet = packets[next];
      if (!packet) return;
      next += 1;
      left.set(next, { changes, sentAt: performance.now() });
      link.socket.write(packet);
    };
    const taken = (seq: number, count: number | 'all') => {
      const batch = left.get(seq);
      if (!batch) return;
      batch.changes -= count === 'all' ? batch.changes : count;
      if (batch.changes > 0) return;
      left.delete(seq);
      samples.push(performance.now() - batch.sentAt);
      send();
      if (left.size === 0) resolve();
    };
    if (until === 'sync') link.onSync = taken;
    else link.onPuback = (packetId) => taken(packetId, 'all');
    link.socket.once('close', () => reject(new Error('the server closed the connection')));
    for (let under = 0; under < window; under += 1) send();
  });
}
