import { percentile } from '../../report.ts';
import { LoadClient, type Target } from './client.ts';
import { publishPacket } from './wire.ts';

const PUBACK = 0x40;
const PUBLISH = 3;

/** Milliseconds from SUBSCRIBE to the retained message of an exact filter, among `topics` retained ones. */
export async function retainedSubscribe(
  target: Target,
  { topics, rounds }: { topics: number; rounds: number },
): Promise<{ p50: number; p99: number }> {
  const publisher = await LoadClient.open(target, 'tcp', 'retaining');
  await retainAll(publisher, topics);
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

/** One after the other in windows of a hundred, so that no server has to drop any. */
async function retainAll(client: LoadClient, topics: number): Promise<void> {
  let next = 0;
  let acknowledged = 0;
  await new Promise<void>((resolve) => {
    const send = (count: number) => {
      const packets: Buffer[] = [];
      for (; packets.length < count && next < topics; next += 1) {
        const fields = {
          topic: topicOf(next),
          payload: Buffer.from(`value ${next}`),
          packetId: (next % 60_000) + 1,
        };
        packets.push(publishPacket({ ...fields, qos: 1, retain: true }));
      }
      if (packets.length > 0) client.socket.write(Buffer.concat(packets));
    };
    let arrived = 0;
    client.onPacket = (first) => {
      if (first === PUBACK) arrived += 1;
    };
    client.onChunk = () => {
      acknowledged += arrived;
      send(arrived);
      arrived = 0;
      if (acknowledged === topics) resolve();
    };
    send(100);
  });
  client.onChunk = () => undefined;
}

function topicOf(index: number): string {
  return `bench/retained/${index % 317}/${index}`;
}
