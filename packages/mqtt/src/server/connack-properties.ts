import type { ConnectPacket } from '../codec/packets.ts';
import type { Properties } from '../codec/properties.ts';
import { keepAliveOf } from './keep-alive.ts';
import type { MqttLimits } from './limits.ts';

const NEVER = 0xffff_ffff;

export interface ConnackFacts {
  /** Milliseconds that the session outlives the connection. */
  expiry: number;
  /** The server has chosen the client ID. */
  assigned: boolean;
  responseInformation: string | undefined;
}

/** What a client of MQTT 5 is told with its CONNACK (5.0, 3.2.2.3); what is as the standard assumes is left out. */
export function connackProperties(
  connect: ConnectPacket,
  limits: Readonly<MqttLimits>,
  { expiry, assigned, responseInformation }: ConnackFacts,
): Properties | undefined {
  if (connect.protocolLevel === 4) return undefined;
  const asked = connect.properties?.sessionExpiryInterval ?? 0;
  const given = Number.isFinite(expiry) ? Math.floor(expiry / 1000) : NEVER;
  const keepAlive = keepAliveOf(connect, limits);
  const properties: Properties = {
    receiveMaximum: Math.min(limits.maxReceiving, 65_535),
    maximumPacketSize: limits.maxPacketSize,
    topicAliasMaximum: limits.maxTopicAliases,
  };
  if (given !== asked) properties.sessionExpiryInterval = given;
  // [MQTT5-3.1.2-21]
  if (keepAlive !== connect.keepAlive) properties.serverKeepAlive = keepAlive;
  // [MQTT5-3.1.3-7]
  if (assigned) properties.assignedClientIdentifier = connect.clientId;
  if (responseInformation !== undefined) properties.responseInformation = responseInformation;
  if (!Number.isFinite(limits.maxPacketSize)) delete properties.maximumPacketSize;
  return properties;
}
