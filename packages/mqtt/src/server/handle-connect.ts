import { isCodedError, newUlid } from '@ioto/runtime';
import { buildConnack } from '../codec/connack.ts';
import type { ConnackRefusal, ConnectPacket } from '../codec/packets.ts';
import { REASON } from '../codec/reason-codes.ts';
import { mqttError } from '../errors.ts';
import { topicNameFault } from '../topics/topic-rules.ts';
import { Client } from './client.ts';
import { connackProperties } from './connack-properties.ts';
import { type Connection, HOLD } from './connection.ts';
import { type Ending, withReasonThatFits } from './ending.ts';
import type { MqttLimits } from './limits.ts';
import { publishObjection } from './may-publish.ts';
import { payloadFault, payloadFormatInvalid } from './payload-format.ts';
import { REASON_OF_REFUSAL } from './reasons.ts';
import { expiryOf, openSession } from './session-life.ts';
import { settleHook } from './settle-hook.ts';
import { checkTopicName } from './topic-limits.ts';

const IDENTIFIER_REJECTED = 2;
const SERVER_UNAVAILABLE = 3;
const NOT_AUTHORIZED = 5;

/**
 * 3.1.1 and 5.0, 3.1. Nothing more is read until the client was let in or refused, so that what it sent ahead is handled
 * after its CONNECT.
 */
export function handleConnect<P>(connection: Connection<P>, packet: ConnectPacket): void {
  connection.maximumPacketSize = packet.properties?.maximumPacketSize ?? Number.POSITIVE_INFINITY;
  const fault = clientIdFault(connection, packet);
  if (fault) {
    refuse(connection, IDENTIFIER_REJECTED, { reason: 'CLIENT_ERROR', ...fault });
    return;
  }
  // [MQTT-3.1.3-6] [MQTT5-3.1.3-6]
  const connect = packet.clientId === '' ? { ...packet, clientId: `auto-${newUlid()}` } : packet;
  checkProperties(connection, connect);
  connection.hold(HOLD.authenticating);
  authenticate(connection, connect, packet.clientId === '').catch((error: unknown) => {
    if (isCodedError(error, 'MQTT_LIMIT_EXCEEDED')) {
      const detail = error.message;
      const reasonCode = REASON.quotaExceeded;
      refuse(connection, SERVER_UNAVAILABLE, {
        reason: 'THROTTLED',
        detail,
        limit: error.details?.limit as keyof MqttLimits | undefined,
        reasonCode,
      });
      return;
    }
    connection.broker.logger.error(
      { err: error, clientId: connect.clientId },
      'an MQTT client could not be let in',
    );
    refuse(connection, SERVER_UNAVAILABLE, {
      reason: 'SERVER_ERROR',
      detail: 'the server failed to authenticate',
    });
  });
}

function clientIdFault<P>(
  { broker }: Connection<P>,
  { clientId, cleanSession, protocolLevel }: ConnectPacket,
): Pick<Ending, 'detail' | 'limit'> | undefined {
  const { maxClientIdLength } = broker.limits;
  if (clientId === '' && !cleanSession && protocolLevel === 4)
    return { detail: 'an empty client ID without clean session [MQTT-3.1.3-8]' };
  if (clientId.startsWith('$')) return { detail: 'a client ID that begins with $' };
  if (Buffer.byteLength(clientId) > maxClientIdLength) {
    return {
      detail: `a client ID beyond maxClientIdLength, which is ${maxClientIdLength} bytes`,
      limit: 'maxClientIdLength',
    };
  }
  return undefined;
}

function checkProperties<P>({ broker }: Connection<P>, { will, properties }: ConnectPacket): void {
  if (will) {
    checkTopicName(broker, will.topic, 'will');
    const { responseTopic } = will.properties ?? {};
    const fault = responseTopic === undefined ? undefined : topicNameFault(responseTopic);
    if (fault) throw mqttError('MQTT_PROTOCOL_VIOLATION', `will: response topic: ${fault}`);
    const broken = payloadFault(will.payload, will.properties ?? {});
    if (broken) throw payloadFormatInvalid(`will: ${broken}`);
  }
  if (properties?.authenticationMethod !== undefined) {
    const method = properties.authenticationMethod.slice(0, 80);
    const message = `enhanced authentication (${method}) is not served [MQTT5-4.12.0-1]`;
    throw mqttError('MQTT_FORBIDDEN', message, {
      details: { reasonCode: REASON.badAuthenticationMethod },
    });
  }
}

/** [MQTT-3.2.2-4] [MQTT-3.2.2-5]: the return code, no session, and the end. A client of MQTT 5 is told `told`. */
function refuse<P>(
  connection: Connection<P>,
  refusal: ConnackRefusal,
  ending: Ending,
  told = ending.detail,
): void {
  if (!connection.isOpen) return;
  const { level, broker } = connection;
  broker.counters.connectsRefused += 1;
  const returnCode = level === 5 ? (ending.reasonCode ?? REASON_OF_REFUSAL[refusal]) : refusal;
  const goodbye = withReasonThatFits(connection, told === '' ? undefined : told, (properties) =>
    buildConnack({ sessionPresent: false, returnCode, properties }, level),
  );
  connection.close({ ...ending, goodbye });
}

interface Admission<P> {
  principal: P;
  sessionId?: string;
  /** The client ID was chosen by the server. */
  assigned: boolean;
}

async function authenticate<P>(
  connection: Connection<P>,
  connect: ConnectPacket,
  assigned: boolean,
): Promise<void> {
  const { hooks, logger } = connection.broker;
  const verdict = await hooks.authenticate(connect, connection.info);
  if (!connection.isOpen) return;
  if (!verdict.accept) {
    const { reason: detail, returnCode, reasonCode, reasonString } = verdict;
    const facts = { clientId: connect.clientId, remoteAddress: connection.info.remoteAddress };
    logger.info({ ...facts, reason: detail }, 'MQTT client refused');
    refuse(connection, returnCode, { reason: 'AUTH_ERROR', detail, reasonCode }, reasonString ?? '');
    return;
  }
  const objection = connect.will && publishObjection(hooks, verdict.principal, connect.will);
  if (objection) {
    const detail = `the will of the client may not ${objection}`;
    refuse(connection, NOT_AUTHORIZED, { reason: 'FORBIDDEN_ACCESS', detail });
    return;
  }
  admit(connection, connect, { ...verdict, assigned });
}

function admit<P>(
  connection: Connection<P>,
  connect: ConnectPacket,
  { principal, sessionId = connect.clientId, assigned }: Admission<P>,
): void {
  const { broker } = connection;
  const { clientId, cleanSession, properties } = connect;
  const dialect = broker.hooks.dialect?.(principal, connect);
  const expiry = sessionExpiry(connect, broker.limits);
  const answer = properties?.requestResponseInformation === 1;
  const responseInformation = answer ? broker.hooks.responseInformation?.(principal) : undefined;
  const told = connackProperties(connect, broker.limits, { expiry, assigned, responseInformation });
  const welcome = (sessionPresent: boolean) =>
    buildConnack({ sessionPresent, returnCode: 0, properties: told }, connection.level);
  if (welcome(false).length > connection.maximumPacketSize) {
    const detail = 'the maximum packet size of the client is too small for a CONNACK [MQTT5-3.1.2-24]';
    refuse(connection, SERVER_UNAVAILABLE, {
      reason: 'CLIENT_ERROR',
      detail,
      reasonCode: REASON.packetTooLarge,
    });
    return;
  }
  takeOver(connection, sessionId);
  const request = { clientId: sessionId, cleanSession, expiry, principal };
  const { session, sessionPresent } = openSession(broker, request);
  const client = new Client(connection, { principal, connect, session, maxInFlight: dialect?.maxInFlight });
  if (dialect?.writeEachPacket) connection.outbox.writeEachPacket();
  connection.admit(client);
  broker.clients.set(sessionId, connection);
  broker.counters.connectsAccepted += 1;
  connection.send(welcome(sessionPresent));
  client.start();
  const facts = {
    clientId,
    connectionId: client.connectionId,
    remoteAddress: connection.info.remoteAddress,
    protocolLevel: connection.level,
    sessionPresent,
    cleanSession,
    sessionExpiry: expiry / 1000,
    keepAlive: client.keepAliveSeconds,
  };
  settleHook(
    () => broker.hooks.connected?.(principal, facts),
    (error) => connection.fail(error),
  );
  connection.release(HOLD.authenticating);
}

/** Milliseconds. In 3.1.1 clean session decides; in MQTT 5 what the client asks for, and 0 when it asks for nothing (3.1.2.11.2). */
function sessionExpiry(
  { protocolLevel, cleanSession, properties }: ConnectPacket,
  limits: Parameters<typeof expiryOf>[1],
): number {
  if (protocolLevel === 5) return expiryOf(properties?.sessionExpiryInterval ?? 0, limits);
  return cleanSession ? 0 : limits.sessionExpiry;
}

/** [MQTT-3.1.4-2]: the new connection wins; the old one is told in MQTT 5 [MQTT5-3.1.4-3]. */
function takeOver<P>({ broker }: Connection<P>, sessionId: string): void {
  const before = broker.clients.get(sessionId);
  if (!before) return;
  broker.counters.takeovers += 1;
  before.close({ reason: 'DUPLICATE_CLIENTID', detail: 'another connection came with the same client ID' });
}
