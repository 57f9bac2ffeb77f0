import { newUlid } from '@ioto/runtime';
import { buildConnack } from '../codec/connack.ts';
import type { ConnackRefusal, ConnectPacket } from '../codec/packets.ts';
import { Client } from './client.ts';
import { type Connection, HOLD } from './connection.ts';
import type { Ending } from './ending.ts';
import { openSession } from './session-life.ts';
import { settleHook } from './settle-hook.ts';
import { checkTopicName } from './topic-limits.ts';

const SERVER_UNAVAILABLE = 3;
const NOT_AUTHORIZED = 5;

/**
 * 3.1.1, 3.1. Nothing more is read until the client was let in or refused, so that what it sent ahead is handled after
 * its CONNECT.
 */
export function handleConnect<P>(connection: Connection<P>, packet: ConnectPacket): void {
  const fault = clientIdFault(connection, packet);
  if (fault) {
    refuse(connection, 2, { reason: 'CLIENT_ERROR', ...fault });
    return;
  }
  // [MQTT-3.1.3-6]
  const connect = packet.clientId === '' ? { ...packet, clientId: `auto-${newUlid()}` } : packet;
  if (connect.will) checkTopicName(connection.broker, connect.will.topic, 'will');
  connection.hold(HOLD.authenticating);
  authenticate(connection, connect).catch((error: unknown) => {
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
  { clientId, cleanSession }: ConnectPacket,
): Pick<Ending, 'detail' | 'limit'> | undefined {
  const { maxClientIdLength } = broker.limits;
  if (clientId === '' && !cleanSession)
    return { detail: 'an empty client ID without clean session [MQTT-3.1.3-8]' };
  if (clientId.startsWith('$')) return { detail: 'a client ID that begins with $' };
  if (Buffer.byteLength(clientId) > maxClientIdLength) {
    return { detail: `a client ID of more than ${maxClientIdLength} bytes`, limit: 'maxClientIdLength' };
  }
  return undefined;
}

/** [MQTT-3.2.2-4] [MQTT-3.2.2-5]: the return code, no session, and the end. */
function refuse<P>(connection: Connection<P>, returnCode: ConnackRefusal, ending: Ending): void {
  if (!connection.isOpen) return;
  connection.broker.counters.connectsRefused += 1;
  connection.close({ ...ending, goodbye: buildConnack({ sessionPresent: false, returnCode }, 4) });
}

async function authenticate<P>(connection: Connection<P>, connect: ConnectPacket): Promise<void> {
  const { hooks, logger } = connection.broker;
  const verdict = await hooks.authenticate(connect, connection.info);
  if (!connection.isOpen) return;
  if (!verdict.accept) {
    const facts = { clientId: connect.clientId, remoteAddress: connection.info.remoteAddress };
    logger.info({ ...facts, reason: verdict.reason }, 'MQTT client refused');
    refuse(connection, verdict.returnCode, { reason: 'AUTH_ERROR', detail: verdict.reason });
    return;
  }
  if (connect.will && !hooks.mayPublish(verdict.principal, connect.will.topic)) {
    const detail = `the client may not publish its will to ${connect.will.topic}`;
    refuse(connection, NOT_AUTHORIZED, { reason: 'FORBIDDEN_ACCESS', detail });
    return;
  }
  admit(connection, connect, verdict.principal);
}

function admit<P>(connection: Connection<P>, connect: ConnectPacket, principal: P): void {
  const { broker } = connection;
  const { clientId, cleanSession } = connect;
  const dialect = broker.hooks.dialect?.(principal, connect);
  takeOver(connection, clientId);
  const { session, sessionPresent } = openSession(broker, { clientId, cleanSession, principal });
  const client = new Client(connection, { principal, connect, session, maxInFlight: dialect?.maxInFlight });
  if (dialect?.writeEachPacket) connection.outbox.writeEachPacket();
  connection.admit(client);
  broker.clients.set(clientId, connection);
  broker.counters.connectsAccepted += 1;
  connection.send(buildConnack({ sessionPresent, returnCode: 0 }, 4));
  client.start();
  const facts = {
    clientId,
    connectionId: client.connectionId,
    remoteAddress: connection.info.remoteAddress,
    protocolLevel: 4 as const,
    sessionPresent,
    cleanSession,
    keepAlive: client.keepAliveSeconds,
  };
  settleHook(
    () => broker.hooks.connected?.(principal, facts),
    (error) => connection.fail(error),
  );
  connection.release(HOLD.authenticating);
}

/** [MQTT-3.1.4-2]: the new connection wins. */
function takeOver<P>({ broker }: Connection<P>, clientId: string): void {
  const before = broker.clients.get(clientId);
  if (!before) return;
  broker.counters.takeovers += 1;
  before.close({ reason: 'DUPLICATE_CLIENTID', detail: 'another connection came with the same client ID' });
}
