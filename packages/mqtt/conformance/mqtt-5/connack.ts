import { type Chapter, client, codec, held, inCodec, inServer, moot } from '../statement.ts';

export const CONNACK: Chapter = {
  title: '3.2: CONNACK',
  statements: [
    held('MQTT5-3.2.0-1', 'The first packet of the server is CONNACK.', [
      inServer(
        'connect-conformance',
        'hears CONNACK first, also when messages wait for it [MQTT-3.2.0-1] [MQTT5-3.2.0-1]',
      ),
    ]),
    held('MQTT5-3.2.0-2', 'There is no second CONNACK.', [
      inServer(
        'connect-conformance',
        'a second time is closed without another CONNACK [MQTT-3.1.0-2] [MQTT5-3.1.0-2] [MQTT5-3.2.0-2]',
      ),
    ]),
    codec('MQTT5-3.2.2-1', 'Reserved bits of the flags are 0.', [
      inCodec(
        'codec-conformance',
        'has reserved flags as they must be [MQTT-2.2.2-1] [MQTT5-2.1.3-1] [MQTT5-3.2.2-1]',
      ),
    ]),
    held('MQTT5-3.2.2-2', 'Clean start is answered with no session present.', [
      inServer(
        'connect-conformance',
        'is told of a session only where there was one [MQTT-3.2.2-2] [MQTT-3.2.2-3] [MQTT5-3.2.2-3]',
      ),
    ]),
    held('MQTT5-3.2.2-3', 'Without it a session is told as present where there is one.', [
      inServer(
        'connect-conformance',
        'is told of a session only where there was one [MQTT-3.2.2-2] [MQTT-3.2.2-3] [MQTT5-3.2.2-3]',
      ),
    ]),
    client('MQTT5-3.2.2-4', 'A client without a session that is told of one closes the connection.'),
    client('MQTT5-3.2.2-5', 'A client with one that is told of none discards its own.'),
    held('MQTT5-3.2.2-6', 'A refusal tells of no session.', [
      inServer(
        'connect-conformance',
        'and is refused is told of no session, and keeps it [MQTT-3.2.2-4] [MQTT5-3.2.2-6]',
      ),
    ]),
    held('MQTT5-3.2.2-7', 'A refusal closes the connection.', [
      inServer('mqtt5-connect', 'a refusal with return code %i is reason code %i'),
    ]),
    held('MQTT5-3.2.2-8', 'Its reason is one of CONNACK’s.', [
      inServer('mqtt5-connect', 'a refusal with return code %i is reason code %i'),
      inServer('mqtt5-connect', 'a malformed CONNECT is answered with its reason'),
    ]),
    moot('MQTT5-3.2.2-9', 'A server without QoS 1 or 2 tells its highest.', 'QoS 1 and 2 are served.', [
      inServer('mqtt5-connect', 'tells the limits of the server (5.0, 3.2.2.3)'),
    ]),
    moot(
      'MQTT5-3.2.2-10',
      'Such a server still accepts subscriptions of any QoS.',
      'QoS 1 and 2 are served.',
    ),
    client('MQTT5-3.2.2-11', 'A client publishes no higher QoS than it was told.'),
    moot(
      'MQTT5-3.2.2-12',
      'A will of a QoS that is not served refuses the connection.',
      'QoS 1 and 2 are served.',
      [
        inServer(
          'connect-conformance',
          'may use QoS 2 and retain, for its will, too [MQTT5-3.2.2-12] [MQTT5-3.2.2-13]',
        ),
      ],
    ),
    moot(
      'MQTT5-3.2.2-13',
      'A will with retain refuses the connection where nothing is retained.',
      'Retained messages are served; who may not leave them is refused as not authorized.',
      [
        inServer(
          'connect-conformance',
          'may use QoS 2 and retain, for its will, too [MQTT5-3.2.2-12] [MQTT5-3.2.2-13]',
        ),
      ],
    ),
    client('MQTT5-3.2.2-14', 'A client retains nothing where it was told so.'),
    client('MQTT5-3.2.2-15', 'A client sends no larger packet than it was told.', [
      inServer(
        'publish',
        'of more than 128 KB of payload, or announced beyond the packet size, closes the connection',
      ),
    ]),
    held('MQTT5-3.2.2-16', 'A client without an ID is given one that no session has.', [
      inServer(
        'connect-conformance',
        'without an ID is given one that no other session has [MQTT5-3.2.2-16]',
      ),
    ]),
    client('MQTT5-3.2.2-17', 'A client uses no greater topic alias than it was told.', [
      inServer('mqtt5-messages', 'a topic alias beyond the maximum [MQTT5-3.3.2-9] ends the connection'),
    ]),
    client('MQTT5-3.2.2-18', 'Nor any where it was told of none.', [
      inServer(
        'client-conformance',
        'is closed for a topic alias where it was told of none [MQTT5-3.2.2-18]',
      ),
    ]),
    held('MQTT5-3.2.2-19', 'A reason string makes CONNACK no larger than the client takes.', [
      inServer('connect-conformance', 'is refused without a text that it could not take [MQTT5-3.2.2-19]'),
    ]),
    moot(
      'MQTT5-3.2.2-20',
      'Nor do user properties.',
      'The server adds no user properties to what it says itself.',
    ),
    client('MQTT5-3.2.2-21', 'A client uses the keep-alive that it is told.', [
      inServer(
        'client-conformance',
        'is closed by the keep-alive that it was told, whatever it asked for [MQTT5-3.2.2-21]',
      ),
    ]),
    held('MQTT5-3.2.2-22', 'Where none is told, the client’s own counts.', [
      inServer('connect-conformance', 'and is told no keep-alive is held to its own [MQTT5-3.2.2-22]'),
    ]),
  ],
};
