import type { AckPacket } from '../codec/packets.ts';
import { REASON } from '../codec/reason-codes.ts';
import type { Client } from './client.ts';

/** Reason codes from here on are failures (5.0, 2.4). */
const FAILURE = 0x80;

/** 3.4. One for a message that nobody waits for is ignored: it may answer a copy of an earlier one. */
export function handlePuback<P>(client: Client<P>, { packetId, reasonCode = 0 }: AckPacket): void {
  puback(client, packetId, reasonCode >= FAILURE);
}

export function puback<P>(client: Client<P>, packetId: number, refused: boolean): void {
  client.connection.broker.counters.pubacksReceived += 1;
  client.session.queue.acknowledge(packetId, refused);
  client.retainedFeeds.pump();
}

/** 3.5: answered with PUBREL [MQTT-4.3.3-1], in MQTT 5 with the reason when nobody waits for it (5.0, 3.6.2.1). */
export function handlePubrec<P>(client: Client<P>, { packetId, reasonCode = 0 }: AckPacket): void {
  const refused = reasonCode >= FAILURE;
  if (client.session.queue.receivedByClient(packetId, refused) || refused) return;
  client.answer('pubrel', packetId, REASON.packetIdentifierNotFound);
}

/** 3.6: the client will not send the message again; answered in the order of arrival [MQTT-4.3.3-2]. */
export function handlePubrel<P>(client: Client<P>, { packetId }: AckPacket): void {
  const { session, received } = client;
  const { journal } = client.connection.broker;
  received.add(session.unreleased.get(packetId), () => {
    const known = session.unreleased.delete(packetId);
    const { clientId, journalled } = session;
    if (known && journalled) journal?.record({ type: 'receivedReleased', clientId, packetId });
    client.answer('pubcomp', packetId, known ? REASON.success : REASON.packetIdentifierNotFound);
  });
}

/** 3.7. */
export function handlePubcomp<P>(client: Client<P>, { packetId }: AckPacket): void {
  client.connection.broker.counters.pubacksReceived += 1;
  client.session.queue.complete(packetId);
  client.retainedFeeds.pump();
}
