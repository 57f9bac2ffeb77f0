import { buildPing } from '../codec/ping.ts';
import type { Client } from './client.ts';

const PINGRESP = buildPing('pingresp');

/** 3.12 [MQTT-3.12.4-1]. */
export function handlePingreq<P>({ connection }: Client<P>): void {
  connection.send(PINGRESP);
}
