import { setTimeout as delay } from 'node:timers/promises';
import { percentile } from '../../report.ts';
import { LoadClient, type Target, type Transport } from './client.ts';
import { packetIdOf } from './packet-scanner.ts';
import { pubackPacket, publishPacket } from './wire.ts';

const PUBLISH = 3;

/** Milliseconds from a request to its answer, both of QoS 1, between two clients that have nothing else to do. */
export async function roundTrip(
  target: Target,
  { transport, rounds }: { transport: Transport; rounds: number },
): Promise<{ p50: number; p99: number }> {
  const asking = await LoadClient.open(target, transport, 'asking');
  const answering = await LoadClient.open(target, transport, 'answering');
  await answering.subscribe('bench/request', 1);
  await asking.subscribe('bench/answer', 1);
  const payload = Buffer.alloc(200, 0x78);
  answering.onPacket = (first, bytes, body) => {
    if (first >> 4 !== PUBLISH) return;
    const ack = pubackPacket(packetIdOf(bytes, body));
    answering.socket.write(Buffer.concat([ack, publishPacket({ topic: 'bench/answer', payload, qos: 1 })]));
  };
  let arrived: () => void = () => undefined;
  asking.onPacket = (first, bytes, body) => {
    if (first >> 4 !== PUBLISH) return;
    asking.socket.write(pubackPacket(packetIdOf(bytes, body)));
    arrived();
  };
  const request = publishPacket({ topic: 'bench/request', payload, qos: 1 });
  const samples: number[] = [];
  for (let round = -200; round < rounds; round += 1) {
    const started = performance.now();
    const answered = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    asking.socket.write(request);
    await answered;
    if (round >= 0) samples.push(performance.now() - started);
    // Low load: now and then nothing at all.
    if (round % 50 === 0) await delay(5);
  }
  await asking.close();
  await answering.close();
  return { p50: percentile(samples, 0.5), p99: percentile(samples, 0.99) };
}
