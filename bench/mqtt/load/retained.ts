import { percentile } from '../../report.ts';
import { LoadClient, type Target } from './client.ts';
import { publishAll } from './publish-all.ts';
import { publishPacket } from './wire.ts';

const PUBLISH = 3;

/** Milliseconds from SUBSCRIBE to the retained message of an exact filter, among `topics` retained ones. */
export async function retainedSubscribe(
  target: Target,
  { topics, rounds }: { topics: number; rounds: number },
): Promise<{ p50: number; p99: number }> {
  const publisher = await LoadClient.open(target, 'tcp', 'retaining');
  await publishAll(publisher, topics, retainedPacket);
  const samples: number[] = [];
  const subscriber = await LoadClient.open(target, 'tcp', 'subscribing');
  for (let round = 0; round < rounds; round += 1) {
    const topic = topicOf((round * 7919) % topics);
    const arrived = new Promise<void>((resolve) => {
      subscriber.onPacket = (first) => {
        if (first >> 4 === PUBLISH) resolve();
      };
    });
    const started = performance.now();
    await subscriber.subscribe(topic, 0);
    await arrived;
    samples.push(performance.now() - started);
  }
  await publisher.close();
  await subscriber.close();
  return { p50: percentile(samples, 0.5), p99: percentile(samples, 0.99) };
}

function retainedPacket(index: number): Buffer {
  const payload = Buffer.from(`value ${index}`);
  const packetId = (index % 60_000) + 1;
  return publishPacket({ topic: topicOf(index), payload, packetId, qos: 1, retain: true });
}

function topicOf(index: number): string {
  return `bench/retained/${index % 317}/${index}`;
}
