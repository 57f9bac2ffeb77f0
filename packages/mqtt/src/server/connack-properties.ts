import type { Properties } from '../codec/properties.ts';
import type { Client } from './client.ts';

const NEVER = 0xffff_ffff;

export interface ConnackFacts {
  /** The server has chosen the client ID. */
  assigned: boolean;
  responseInformation: string | undefined;
}

/** What a client of MQTT 5 is told with its CONNACK (5.0, 3.2.2.3); what is as the standard assumes is left out. */
export function connackProperties<P>(
  { connection, connect, clientId, keepAliveSeconds, session }: Client<P>,
  { assigned, responseInformation }: ConnackFacts,
): Properties | undefined {
  if (connection.level === 4) return undefined;
  const { limits } = connection.broker;
  const asked = connect.properties?.sessionExpiryInterval ?? 0;
  const given = Number.isFinite(session.expiry) ? Math.floor(session.expiry / 1000) : NEVER;
  const properties: Properties = {
    receiveMaximum: Math.min(limits.maxReceiving, 65_535),
    maximumPacketSize: limits.maxPacketSize,
    topicAliasMaximum: limits.maxTopicAliases,
  };
  if (given !== asked) properties.sessionExpiryInterval = given;
  // [MQTT5-3.1.2-21]
  if (keepAliveSeconds !== connect.keepAlive) properties.serverKeepAlive = keepAliveSeconds;
  // [MQTT5-3.1.3-7]
  if (assigned) properties.assignedClientIdentifier = clientId;
  if (responseInformation !== undefined) properties.responseInformation = responseInformation;
  if (!Number.isFinite(limits.maxPacketSize)) delete properties.maximumPacketSize;
  return properties;
}
