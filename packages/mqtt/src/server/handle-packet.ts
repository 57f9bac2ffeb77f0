import type { Packet } from '../codec/packets.ts';
import { mqttError } from '../errors.ts';
import type { Client } from './client.ts';
import type { Connection } from './connection.ts';
import { handlePuback, handlePubcomp, handlePubrec, handlePubrel } from './handle-acks.ts';
import { handleConnect } from './handle-connect.ts';
import { handleDisconnect } from './handle-disconnect.ts';
import { handlePingreq } from './handle-pingreq.ts';
import { handlePublish } from './handle-publish.ts';
import { handleSubscribe } from './handle-subscribe.ts';
import { handleUnsubscribe } from './handle-unsubscribe.ts';

/** Hands one packet of a client to the file that is named after it. */
export function handlePacket<P>(connection: Connection<P>, packet: Packet): void {
  const { client } = connection;
  if (packet.type === 'connect') {
    connection.connectReceived = true;
    handleConnect(connection, packet);
  } else if (client) handleClientPacket(client, packet);
  else throw mqttError('MQTT_PROTOCOL_VIOLATION', `${packet.type} before CONNECT [MQTT-3.1.0-1]`);
}

function handleClientPacket<P>(client: Client<P>, packet: Packet): void {
  switch (packet.type) {
    case 'publish':
      handlePublish(client, packet);
      return;
    case 'puback':
      handlePuback(client, packet);
      return;
    case 'pubrec':
      handlePubrec(client, packet);
      return;
    case 'pubrel':
      handlePubrel(client, packet);
      return;
    case 'pubcomp':
      handlePubcomp(client, packet);
      return;
    case 'subscribe':
      handleSubscribe(client, packet);
      return;
    case 'unsubscribe':
      handleUnsubscribe(client, packet);
      return;
    case 'pingreq':
      handlePingreq(client);
      return;
    case 'disconnect':
      handleDisconnect(client, packet);
      return;
    case 'auth':
      throw mqttError(
        'MQTT_PROTOCOL_VIOLATION',
        'AUTH from a client that named no authentication method [MQTT5-4.12.0-7]',
      );
    default:
      throw mqttError(
        'MQTT_PROTOCOL_VIOLATION',
        `${packet.type} from a client that it cannot come from here`,
      );
  }
}
