import type { DisconnectPacket } from '../codec/packets.ts';
import { REASON } from '../codec/reason-codes.ts';
import { mqttError } from '../errors.ts';
import type { Client } from './client.ts';
import { expiryOf } from './session-life.ts';

/**
 * 3.1.1 and 5.0, 3.14: the will is discarded [MQTT-3.14.4-3], except where a client of MQTT 5 gives another reason than
 * success [MQTT5-3.14.4-3]; it may also change how long its session lasts.
 */
export function handleDisconnect<P>(
  client: Client<P>,
  { reasonCode = 0, properties }: DisconnectPacket,
): void {
  const { connection, session } = client;
  const seconds = properties?.sessionExpiryInterval;
  if (seconds !== undefined) {
    if (seconds > 0 && !session.persistent) {
      throw mqttError(
        'MQTT_PROTOCOL_VIOLATION',
        'DISCONNECT with a session expiry after a CONNECT with none (5.0, 3.14.2.2.2)',
      );
    }
    session.expiry = expiryOf(seconds, connection.broker.limits);
  }
  const reason = reasonCode === REASON.success ? '' : ` with reason 0x${reasonCode.toString(16)}`;
  connection.close({
    reason: 'CLIENT_INITIATED_DISCONNECT',
    detail: `the client sent DISCONNECT${reason}`,
    withoutWill: reasonCode === REASON.success,
  });
}
