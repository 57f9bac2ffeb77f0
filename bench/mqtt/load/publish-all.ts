import type { LoadClient } from './client.ts';

const PUBACK = 0x40;

/** Publishes messages of QoS 1 in order, a hundred under way, so that no server has to drop any. Resolves when all are acknowledged. */
export async function publishAll(
  client: LoadClient,
  count: number,
  packet: (index: number) => Buffer,
): Promise<void> {
  let next = 0;
  let acknowledged = 0;
  let arrived = 0;
  const send = (some: number) => {
    const packets: Buffer[] = [];
    for (; packets.length < some && next < count; next += 1) packets.push(packet(next));
    if (packets.length > 0) client.socket.write(Buffer.concat(packets));
  };
  await new Promise<void>((resolve) => {
    client.onPacket = (first) => {
      if (first === PUBACK) arrived += 1;
    };
    client.onChunk = () => {
      acknowledged += arrived;
      send(arrived);
      arrived = 0;
      if (acknowledged === count) resolve();
    };
    send(100);
  });
  client.onChunk = () => undefined;
}
