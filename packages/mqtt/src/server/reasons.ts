import type { CodedError } from '@ioto/runtime';
import type { ConnackRefusal } from '../codec/packets.ts';
import { REASON } from '../codec/reason-codes.ts';
import type { DisconnectReason } from './hooks.ts';
import type { MqttLimits } from './limits.ts';

/** The reason code that says in MQTT 5 what a return code says in 3.1.1 (5.0, 3.2.2.2). */
export const REASON_OF_REFUSAL: Record<ConnackRefusal, number> = {
  1: REASON.unsupportedProtocolVersion,
  2: REASON.clientIdentifierNotValid,
  3: REASON.serverUnavailable,
  4: REASON.badUserNameOrPassword,
  5: REASON.notAuthorized,
};

/** The reason code of a DISCONNECT of the server (5.0, 3.14.2.1), where nothing more exact is known. */
export const REASON_OF_END: Record<DisconnectReason, number> = {
  AUTH_ERROR: REASON.notAuthorized,
  CLIENT_INITIATED_DISCONNECT: REASON.success,
  CLIENT_ERROR: REASON.protocolError,
  CONNECTION_LOST: REASON.unspecifiedError,
  DUPLICATE_CLIENTID: REASON.sessionTakenOver,
  FORBIDDEN_ACCESS: REASON.notAuthorized,
  MQTT_KEEP_ALIVE_TIMEOUT: REASON.keepAliveTimeout,
  SERVER_ERROR: REASON.unspecifiedError,
  SERVER_INITIATED_DISCONNECT: REASON.administrativeAction,
  THROTTLED: REASON.quotaExceeded,
};

const REASON_OF_CODE: Record<string, number> = {
  MQTT_MALFORMED: REASON.malformedPacket,
  MQTT_PROTOCOL_VIOLATION: REASON.protocolError,
  MQTT_FORBIDDEN: REASON.notAuthorized,
};

const REASON_OF_LIMIT: Partial<Record<keyof MqttLimits, number>> = {
  maxPacketSize: REASON.packetTooLarge,
  maxConnectSize: REASON.packetTooLarge,
  maxPayloadSize: REASON.packetTooLarge,
  maxTopicLength: REASON.topicNameInvalid,
  maxTopicLevels: REASON.topicNameInvalid,
  maxReceiving: REASON.receiveMaximumExceeded,
  maxTopicAliases: REASON.topicAliasInvalid,
};

/** The reason code for an error of the catalogue; `details.reasonCode` is more exact than its code. */
export function reasonCodeOf({ code, details }: CodedError): number {
  if (typeof details?.reasonCode === 'number') return details.reasonCode;
  if (code === 'MQTT_LIMIT_EXCEEDED') {
    return REASON_OF_LIMIT[details?.limit as keyof MqttLimits] ?? REASON.quotaExceeded;
  }
  return REASON_OF_CODE[code] ?? REASON.unspecifiedError;
}
