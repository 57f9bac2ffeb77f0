import { setTimeout as delay } from 'node:timers/promises';
import { percentile } from '../../report.ts';
import { LoadClient, type Target, type Transport } from './client.ts';
import { type CpuUse, countCpu } from './cpu.ts';
import { packetIdOf } from './packet-scanner.ts';
import { publishPacket } from './wire.ts';

export interface ThroughputTask {
  transport: Transport;
  qos: 0 | 1;
  /** Messages that a publisher has under way: unacknowledged with QoS 1, not yet delivered with QoS 0. */
  window: number;
  publishers: number;
  /** The publishers are dealt out to them evenly. */
  subscribers: number;
  /** Bytes of payload. */
  payload: number;
  seconds: number;
  /** Subscribers ask for a persistent session. */
  persistent?: boolean;
}

export interface Throughput {
  /** Messages that subscribers got, each second. */
  delivered: number;
  cpu: CpuUse;
  /** Milliseconds from PUBLISH to PUBACK. */
  p50: number;
  p99: number;
}

/** Packets in the ring that each publisher sends from; more than any window. */
const RING = 1024;
/** Milliseconds in which compilers come to rest. */
const WARM_UP = 2000;
const PUBLISH_QOS1 = 0x32;
const PUBACK = 0x40;

/** Publishers that always have a window of messages under way, and subscribers that acknowledge at once. */
export async function throughput(target: Target, task: ThroughputTask): Promise<Throughput> {
  const { publishers, subscribers } = task;
  const run: Run = { delivered: 0, samples: [], measuring: false };
  const groups: Group[] = [];
  for (let index = 0; index < subscribers; index += 1)
    groups.push(await openSubscriber(target, task, run, index));
  const senders: Publisher[] = [];
  for (let index = 0; index < publishers; index += 1) {
    const group = groups[index % subscribers] as Group;
    senders.push(await openPublisher(target, task, run, { index, group }));
  }
  for (const sender of senders) sender.begin();
  await delay(WARM_UP);
  run.measuring = true;
  const before = run.delivered;
  const used = countCpu(target.pids);
  await delay(task.seconds * 1000);
  const cpu = used();
  const delivered = (run.delivered - before) / cpu.seconds;
  for (const { client } of senders) client.socket.destroy();
  for (const { client } of groups) client.socket.destroy();
  return { delivered, cpu, p50: percentile(run.samples, 0.5), p99: percentile(run.samples, 0.99) };
}

interface Run {
  delivered: number;
  samples: number[];
  measuring: boolean;
}

interface Group {
  client: LoadClient;
  topic: string;
  /** QoS 0: what goes on sending when something has arrived, by publisher. */
  credit: Map<number, (count: number) => void>;
}

async function openSubscriber(
  target: Target,
  { transport, qos, persistent }: ThroughputTask,
  run: Run,
  index: number,
): Promise<Group> {
  const client = await LoadClient.open(target, transport, `sub-${index}`, { cleanSession: !persistent });
  const topic = `bench/group${index}`;
  const group: Group = { client, topic, credit: new Map() };
  const arrived = new Map<number, number>();
  let acks = Buffer.allocUnsafe(64 * 1024);
  let used = 0;
  client.onPacket = (first, bytes, body, end) => {
    run.delivered += 1;
    if (first === PUBLISH_QOS1) {
      const packetId = packetIdOf(bytes, body);
      acks[used++] = PUBACK;
      acks[used++] = 2;
      acks[used++] = packetId >> 8;
      acks[used++] = packetId & 255;
    } else {
      const publisher = bytes.readUInt32BE(end - 4);
      arrived.set(publisher, (arrived.get(publisher) ?? 0) + 1);
    }
  };
  client.onChunk = () => {
    if (used > 0) {
      client.socket.write(acks.subarray(0, used));
      acks = Buffer.allocUnsafe(64 * 1024);
      used = 0;
    }
    for (const [publisher, count] of arrived) group.credit.get(publisher)?.(count);
    arrived.clear();
  };
  await client.subscribe(`${topic}/+`, qos);
  return group;
}

interface Publisher {
  client: LoadClient;
  begin: () => void;
}

async function openPublisher(
  target: Target,
  { transport, qos, window, payload }: ThroughputTask,
  run: Run,
  { index, group }: { index: number; group: Group },
): Promise<Publisher> {
  const client = await LoadClient.open(target, transport, `pub-${index}`);
  const { ring, size } = ringOf(`${group.topic}/${index}`, index, qos, payload);
  const sentAt = new Float64Array(RING);
  let next = 0;
  const send = (count: number) => {
    const now = performance.now();
    for (let left = count; left > 0; ) {
      const some = Math.min(left, RING - next);
      client.socket.write(ring.subarray(next * size, (next + some) * size));
      sentAt.fill(now, next, next + some);
      next = (next + some) % RING;
      left -= some;
    }
  };
  let oldest = 0;
  let acknowledged = 0;
  client.onPacket = () => {
    acknowledged += 1;
  };
  client.onChunk = () => {
    if (acknowledged === 0) return;
    if (run.measuring) run.samples.push(performance.now() - (sentAt[oldest] as number));
    const count = acknowledged;
    acknowledged = 0;
    oldest = (oldest + count) % RING;
    send(count);
  };
  if (qos === 0) group.credit.set(index, send);
  return { client, begin: () => send(window) };
}

/** The last four bytes of each payload are the publisher's number. */
function ringOf(topic: string, publisher: number, qos: 0 | 1, bytes: number): { ring: Buffer; size: number } {
  const payload = Buffer.alloc(bytes, 0x78);
  payload.writeUInt32BE(publisher, bytes - 4);
  const packets = Array.from({ length: RING }, (_, at) =>
    publishPacket({ topic, payload, qos, packetId: at + 1 }),
  );
  return { ring: Buffer.concat(packets), size: packets[0]?.length ?? 0 };
}
