import type { AckPacket } from '../codec/packets.ts';
import type { Client } from './client.ts';

/** 3.1.1, 3.4. One for a message that nobody waits for is ignored: it may answer a copy of an earlier one. */
export function handlePuback<P>({ connection, session }: Client<P>, { packetId }: AckPacket): void {
  connection.broker.counters.pubacksReceived += 1;
  session.queue.acknowledge(packetId);
}
