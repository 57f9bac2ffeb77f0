import { type Chapter, codec, held, inServer, moot } from '../statement.ts';

export const DISCONNECT: Chapter = {
  title: '3.12 to 3.15: PINGREQ, DISCONNECT and AUTH',
  statements: [
    held('MQTT5-3.12.4-1', 'PINGREQ is answered with PINGRESP.', [
      inServer('subscribe-conformance', 'is answered [MQTT-3.12.4-1] [MQTT5-3.12.4-1]'),
    ]),
    held('MQTT5-3.14.0-1', 'There is no DISCONNECT before a CONNACK that lets in.', [
      inServer('mqtt5-connect', 'a malformed CONNECT is answered with its reason'),
    ]),
    codec('MQTT5-3.14.1-1', 'DISCONNECT with flags is answered with 0x81.', [
      inServer('malformed-conformance', 'DISCONNECT with flags [MQTT5-3.14.1-1]'),
    ]),
    codec('MQTT5-3.14.2-1', 'DISCONNECT has one of its reason codes.', [
      inServer('malformed-conformance', 'DISCONNECT with a reason of another packet [MQTT5-3.14.2-1]'),
      inServer('mqtt5-connect', 'tells the reason: administration'),
    ]),
    held('MQTT5-3.14.2-2', 'The server sends no session expiry with it.', [
      inServer(
        'subscribe-conformance',
        'of the server says why and nothing else, and nothing follows it [MQTT5-3.14.2-2] [MQTT5-3.14.4-1] [MQTT5-3.14.4-2]',
      ),
    ]),
    held('MQTT5-3.14.2-3', 'A reason string makes DISCONNECT no larger than the client takes.', [
      inServer('mqtt5-connect', 'leaves the text out where the client cannot take it [MQTT5-3.14.2-3]'),
    ]),
    moot(
      'MQTT5-3.14.2-4',
      'Nor do user properties.',
      'The server adds no user properties to what it says itself.',
    ),
    held('MQTT5-3.14.4-1', 'Nothing follows DISCONNECT.', [
      inServer(
        'subscribe-conformance',
        'is the last that is handled, at level 4 [MQTT-3.14.4-2] [MQTT5-3.14.4-1]',
      ),
      inServer(
        'subscribe-conformance',
        'is the last that is handled, at level 5 [MQTT-3.14.4-2] [MQTT5-3.14.4-1]',
      ),
      inServer(
        'subscribe-conformance',
        'of the server says why and nothing else, and nothing follows it [MQTT5-3.14.2-2] [MQTT5-3.14.4-1] [MQTT5-3.14.4-2]',
      ),
    ]),
    held('MQTT5-3.14.4-2', 'Who sends DISCONNECT closes the connection.', [
      inServer(
        'subscribe-conformance',
        'of the server says why and nothing else, and nothing follows it [MQTT5-3.14.2-2] [MQTT5-3.14.4-1] [MQTT5-3.14.4-2]',
      ),
      inServer('mqtt5-connect', 'tells the reason: administration'),
    ]),
    held('MQTT5-3.14.4-3', 'DISCONNECT with 0x00 discards the will.', [
      inServer('mqtt5-connect', 'DISCONNECT with another reason than success publishes it [MQTT5-3.14.4-3]'),
      inServer('connect', 'is discarded by DISCONNECT [MQTT-3.14.4-3]'),
    ]),
    codec('MQTT5-3.15.1-1', 'AUTH with flags closes the connection.', [
      inServer('malformed-conformance', 'AUTH with flags [MQTT5-3.15.1-1]'),
    ]),
    codec('MQTT5-3.15.2-1', 'AUTH has one of its reason codes.', [
      inServer('malformed-conformance', 'AUTH with a reason of another packet [MQTT5-3.15.2-1]'),
    ]),
    moot(
      'MQTT5-3.15.2-2',
      'A reason string makes AUTH no larger than the receiver takes.',
      'Enhanced authentication is not served, so the server sends no AUTH.',
    ),
    moot(
      'MQTT5-3.15.2-3',
      'Nor do user properties.',
      'Enhanced authentication is not served, so the server sends no AUTH.',
    ),
  ],
};
