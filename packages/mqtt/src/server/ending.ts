import { isCodedError, type Logger, messageOf } from '@ioto/runtime';
import { buildLevelRefusal } from '../codec/connack.ts';
import { countViolation } from './broker.ts';
import type { Connection } from './connection.ts';
import type { DisconnectReason } from './hooks.ts';
import type { MqttLimits } from './limits.ts';

/** How and why a connection ends. */
export interface Ending {
  reason: DisconnectReason;
  /** One sentence that is safe to show to the device's owner. */
  detail: string;
  limit?: keyof MqttLimits;
  /** A last packet. */
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
    goodbye: error.code === 'MQTT_PROTOCOL_LEVEL' ? buildLevelRefusal(Number(level)) : undefined,
  };
}

/** Counts and logs the end of a connection. */
export function reportEnding<P>({ broker, info, client }: Connection<P>, ending: Ending): void {
  const { reason, detail, limit } = ending;
  broker.counters.disconnects[reason] = (broker.counters.disconnects[reason] ?? 0) + 1;
  if (limit) countViolation(broker, limit);
  const facts = { remoteAddress: info.remoteAddress, clientId: client?.clientId, reason, detail, limit };
  broker.logger.debug(facts, 'MQTT connection closed');
}
