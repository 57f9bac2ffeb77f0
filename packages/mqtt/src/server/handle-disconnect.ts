import type { Client } from './client.ts';

/** 3.1.1, 3.14: the will is discarded [MQTT-3.14.4-3]. */
export function handleDisconnect<P>({ connection }: Client<P>): void {
  connection.close({
    reason: 'CLIENT_INITIATED_DISCONNECT',
    detail: 'the client sent DISCONNECT',
    withoutWill: true,
  });
}
