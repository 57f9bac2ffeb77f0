import { LoadClient, type Target } from './client.ts';
import { packetIdOf } from './packet-scanner.ts';
import { publishAll } from './publish-all.ts';
import { pubackPacket, publishPacket } from './wire.ts';

const PUBLISH = 3;

export interface Drained {
  /** Messages a second, from CONNECT to the last of them. */
  rate: number;
  delivered: number;
  inOrder: boolean;
}

/** Messages of QoS 1 that waited for a persistent session, taken at its reconnect. */
export async function drain(target: Target, { messages }: { messages: number }): Promise<Drained> {
  const first = await LoadClient.open(target, 'tcp', 'away', { cleanSession: false });
  await first.subscribe('bench/away', 1);
  await first.close();
  const publisher = await LoadClient.open(target, 'tcp', 'queueing');
  await publishAll(publisher, messages, numbered);
  await publisher.close();
  return takeAll(target, messages);
}

async function takeAll(target: Target, messages: number): Promise<Drained> {
  let delivered = 0;
  let inOrder = true;
  let done: () => void = () => undefined;
  const all = new Promise<void>((resolve) => {
    done = resolve;
  });
  let acks: Buffer[] = [];
  const started = performance.now();
  const client = await LoadClient.open(target, 'tcp', 'away', {
    cleanSession: false,
    onPacket: (type, bytes, body, end) => {
      if (type >> 4 !== PUBLISH) return;
      acks.push(pubackPacket(packetIdOf(bytes, body)));
      if (bytes.readUInt32BE(end - 4) !== delivered) inOrder = false;
      delivered += 1;
      if (delivered === messages) done();
    },
  });
  const acknowledge = () => {
    if (acks.length > 0) client.socket.write(Buffer.concat(acks));
    acks = [];
  };
  client.onChunk = acknowledge;
  acknowledge();
  await Promise.race([all, idle(() => delivered)]);
  const rate = (delivered * 1000) / (performance.now() - started);
  await client.close();
  return { rate, delivered, inOrder };
}

/** Resolves when nothing has come for three seconds: a server that loses messages must not hold up the bench. */
async function idle(count: () => number): Promise<void> {
  for (let before = -1; before !== count(); ) {
    before = count();
    await new Promise((resolve) => setTimeout(resolve, 3000));
  }
}

function numbered(index: number): Buffer {
  const payload = Buffer.alloc(100, 0x78);
  payload.writeUInt32BE(index, 96);
  return publishPacket({ topic: 'bench/away', payload, qos: 1, packetId: (index % 60_000) + 1 });
}
