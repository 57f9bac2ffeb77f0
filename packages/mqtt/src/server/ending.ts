import { isCodedError, type Logger, messageOf } from '@ioto/runtime';
import { buildConnack, buildLevelRefusal } from '../codec/connack.ts';
import { buildDisconnect } from '../codec/disconnect.ts';
import type { Properties } from '../codec/properties.ts';
import { isReasonOf, REASON } from '../codec/reason-codes.ts';
import { countViolation } from './broker.ts';
import type { Connection } from './connection.ts';
import type { DisconnectReason } from './hooks.ts';
import type { MqttLimits } from './limits.ts';
import { REASON_OF_END, reasonCodeOf } from './reasons.ts';

/** How and why a connection ends. */
export interface Ending {
  reason: DisconnectReason;
  /** One sentence that is safe to show to the device's owner. A client of MQTT 5 gets it as reason string. */
  detail: string;
  limit?: keyof MqttLimits;
  /** For a client of MQTT 5, where it is more exact than what `reason` stands for. */
  reasonCode?: number;
  /** A last packet, instead of what the reason calls for. */
  goodbye?: Buffer;
  /** A will is published unless the client took its leave [MQTT-3.14.4-3], or the whole server stops. */
  withoutWill?: boolean;
}

const REASONS: Record<string, DisconnectReason> = {
  MQTT_MALFORMED: 'CLIENT_ERROR',
  MQTT_PROTOCOL_VIOLATION: 'CLIENT_ERROR',
  MQTT_PROTOCOL_LEVEL: 'CLIENT_ERROR',
  MQTT_LIMIT_EXCEEDED: 'CLIENT_ERROR',
  MQTT_FORBIDDEN: 'FORBIDDEN_ACCESS',
};

/** What was thrown while a packet was handled: the client's fault where it is in the catalogue, else the server's. */
export function endingOf(error: unknown, logger: Logger): Ending {
  const reason = isCodedError(error) ? REASONS[error.code] : undefined;
  if (!isCodedError(error) || !reason) {
    logger.error({ err: messageOf(error) }, 'an MQTT connection ends for an error of the server');
    return { reason: 'SERVER_ERROR', detail: 'the server failed to handle a packet; its log says why' };
  }
  const { limit, level } = error.details ?? {};
  return {
    reason,
    detail: error.message,
    limit: limit as keyof MqttLimits | undefined,
    reasonCode: reasonCodeOf(error),
    goodbye: error.code === 'MQTT_PROTOCOL_LEVEL' ? buildLevelRefusal(Number(level)) : undefined,
  };
}

/**
 * The last packet to a client of MQTT 5: DISCONNECT [MQTT5-4.13.1-1], or CONNACK where it was not let in yet. Nothing to
 * one that has gone, and nothing to others: 3.1.1 has no such packet.
 */
export function goodbyeOf<P>(connection: Connection<P>, ending: Ending): Buffer | undefined {
  const { level, client, connectReceived } = connection;
  const { goodbye, reason, detail, reasonCode = REASON_OF_END[reason] } = ending;
  if (goodbye) return goodbye;
  if (level !== 5 || reason === 'CONNECTION_LOST' || reason === 'CLIENT_INITIATED_DISCONNECT')
    return undefined;
  if (client) {
    return withReasonThatFits(connection, detail, (properties) =>
      buildDisconnect({ reasonCode, properties }),
    );
  }
  if (!connectReceived && reason !== 'CLIENT_ERROR') return undefined;
  const returnCode = isReasonOf('connack', reasonCode) ? reasonCode : REASON.unspecifiedError;
  return withReasonThatFits(connection, detail, (properties) =>
    buildConnack({ sessionPresent: false, returnCode, properties }, 5),
  );
}

/**
 * A last packet with its reason string; without, where the client could not take it [MQTT5-3.2.2-19] [MQTT5-3.14.2-3]; or
 * none, where it could not take that either [MQTT5-3.1.2-24].
 */
export function withReasonThatFits<P>(
  { maximumPacketSize }: Connection<P>,
  reasonString: string | undefined,
  build: (properties?: Properties) => Buffer,
): Buffer | undefined {
  const packets = reasonString === undefined ? [build()] : [build({ reasonString }), build()];
  return packets.find(({ length }) => length <= maximumPacketSize);
}

/** Counts and logs the end of a connection. */
export function reportEnding<P>({ broker, info, client }: Connection<P>, ending: Ending): void {
  const { reason, detail, limit } = ending;
  broker.counters.disconnects[reason] = (broker.counters.disconnects[reason] ?? 0) + 1;
  if (limit) countViolation(broker, limit, client?.session, detail);
  const facts = { remoteAddress: info.remoteAddress, clientId: client?.clientId, reason, detail, limit };
  broker.logger.debug(facts, 'MQTT connection closed');
}
