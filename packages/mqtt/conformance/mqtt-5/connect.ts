import { type Chapter, client, codec, deviation, held, inCodec, inServer } from '../statement.ts';

export const CONNECT: Chapter = {
  title: '3.1: CONNECT',
  statements: [
    client('MQTT5-3.1.0-1', 'A client begins with CONNECT.', [
      inServer('connect', 'anything before CONNECT closes the connection [MQTT-3.1.0-1]'),
    ]),
    held('MQTT5-3.1.0-2', 'A second CONNECT is a protocol error and closes the connection.', [
      inServer(
        'connect-conformance',
        'a second time is closed without another CONNACK [MQTT-3.1.0-2] [MQTT5-3.1.0-2] [MQTT5-3.2.0-2]',
      ),
    ]),
    codec('MQTT5-3.1.2-1', 'The protocol name is MQTT; with another the connection is closed.', [
      inServer('malformed-conformance', 'with another protocol name'),
    ]),
    held(
      'MQTT5-3.1.2-2',
      'A version that is not served closes the connection, after 0x84 where it can be told.',
      [inServer('connect', 'protocol level 6 is refused in its own form')],
    ),
    codec('MQTT5-3.1.2-3', 'The reserved flag of CONNECT is checked.', [
      inServer('malformed-conformance', 'with the reserved flag'),
    ]),
    held('MQTT5-3.1.2-4', 'Clean start discards the session that there was.', [
      inServer(
        'connect-conformance',
        'with a new session has nothing of the one before [MQTT-3.1.2-6] [MQTT5-3.1.2-4]',
      ),
      inServer('mqtt5-connect', 'clean start begins anew and still lasts [MQTT5-3.1.2-4]'),
    ]),
    held('MQTT5-3.1.2-5', 'Without it a client goes on with the state of its session.', [
      inServer(
        'qos-conformance',
        'what is sent again comes in the order of its first sending, and once for each connection [MQTT-4.4.0-1] [MQTT-4.6.0-1] [MQTT5-4.4.0-1] [MQTT5-4.6.0-1]',
      ),
      inServer(
        'connect-conformance',
        'is told of a session only where there was one [MQTT-3.2.2-2] [MQTT-3.2.2-3] [MQTT5-3.2.2-3]',
      ),
    ]),
    held('MQTT5-3.1.2-6', 'Or has a new one where there was none.', [
      inServer(
        'connect-conformance',
        'is told of a session only where there was one [MQTT-3.2.2-2] [MQTT-3.2.2-3] [MQTT5-3.2.2-3]',
      ),
    ]),
    held('MQTT5-3.1.2-7', 'A will is kept with the session.', [
      inServer(
        'will-conformance',
        'is published when the stream breaks [MQTT-3.1.2-8] [MQTT5-3.1.2-7] [MQTT5-3.1.2-8]',
      ),
      inServer(
        'will-conformance',
        'is published when the client ends the stream [MQTT-3.1.2-8] [MQTT5-3.1.2-7] [MQTT5-3.1.2-8]',
      ),
      inServer(
        'will-conformance',
        'is published when the client is silent [MQTT-3.1.2-8] [MQTT5-3.1.2-7] [MQTT5-3.1.2-8]',
      ),
      inServer(
        'will-conformance',
        'is published when the client sends what is no packet [MQTT-3.1.2-8] [MQTT5-3.1.2-7] [MQTT5-3.1.2-8]',
      ),
      inServer(
        'will-conformance',
        'is published when the client publishes what it may not [MQTT-3.1.2-8] [MQTT5-3.1.2-7] [MQTT5-3.1.2-8]',
      ),
    ]),
    deviation(
      'MQTT5-3.1.2-8',
      'A will is published after its delay or when the session ends, unless DISCONNECT or the client’s return has discarded it.',
      'A server that stops, or is cut short, publishes no wills, then or later: its restart is no news of its devices. Nor is one published whose client has lost the right to.',
      [
        inServer('isolation', 'closes every connection and settles every delivery'),
        inServer('connect', 'is not published when the client has lost the right to its topic meanwhile'),
        inServer(
          'connect-conformance',
          'again with its will delayed and a new session has the will published [MQTT5-3.1.2-8]',
        ),
        inServer(
          'will-conformance',
          'is published when the stream breaks [MQTT-3.1.2-8] [MQTT5-3.1.2-7] [MQTT5-3.1.2-8]',
        ),
        inServer(
          'will-conformance',
          'is published when the client ends the stream [MQTT-3.1.2-8] [MQTT5-3.1.2-7] [MQTT5-3.1.2-8]',
        ),
      ],
    ),
    codec('MQTT5-3.1.2-9', 'With the will flag there are will properties, topic and payload.', [
      inServer('malformed-conformance', 'with a will flag and no will'),
    ]),
    held('MQTT5-3.1.2-10', 'A will is gone once it was published or DISCONNECT came.', [
      inServer(
        'will-conformance',
        'is published once, not for the next connection [MQTT-3.1.2-10] [MQTT5-3.1.2-10]',
      ),
      inServer('connect', 'is discarded by DISCONNECT [MQTT-3.14.4-3]'),
    ]),
    codec('MQTT5-3.1.2-11', 'Without the will flag will QoS is 0.', [
      inServer('malformed-conformance', 'with will QoS and no will'),
    ]),
    codec('MQTT5-3.1.2-12', 'Will QoS is 0, 1 or 2.', [
      inServer(
        'will-conformance',
        'has the QoS that it was left with, also 2 [MQTT-3.1.2-9] [MQTT5-3.1.2-12]',
      ),
      inServer('malformed-conformance', 'with will QoS 3'),
    ]),
    codec('MQTT5-3.1.2-13', 'Without the will flag will retain is 0.', [
      inServer('malformed-conformance', 'with will retain and no will'),
    ]),
    held('MQTT5-3.1.2-14', 'A will without will retain is not retained.', [
      inServer('will-conformance', 'is not retained [MQTT-3.1.2-16] [MQTT5-3.1.2-14]'),
    ]),
    deviation(
      'MQTT5-3.1.2-15',
      'A will with will retain is retained.',
      'Within the limits for retained messages; nothing is retained on topics that begin with $.',
      [inServer('will-conformance', 'is retained when it asks for it [MQTT-3.1.2-17] [MQTT5-3.1.2-15]')],
    ),
    codec('MQTT5-3.1.2-16', 'Without its flag there is no user name.', [
      inServer('malformed-conformance', 'with a user name and no user name flag'),
    ]),
    codec('MQTT5-3.1.2-17', 'With its flag there is a user name.', [
      inServer('malformed-conformance', 'with a user name flag and no user name'),
    ]),
    codec('MQTT5-3.1.2-18', 'Without its flag there is no password.', [
      inServer('malformed-conformance', 'with a password and no password flag'),
    ]),
    codec('MQTT5-3.1.2-19', 'With its flag there is a password.', [
      inServer('malformed-conformance', 'with a password flag and no password'),
    ]),
    client('MQTT5-3.1.2-20', 'A client with nothing else to say sends PINGREQ within its keep-alive.', [
      inServer(
        'client-conformance',
        'and falls silent is closed at one and a half times its keep-alive [MQTT-3.1.2-23] [MQTT5-3.1.2-20]',
      ),
    ]),
    client('MQTT5-3.1.2-21', 'A client uses the keep-alive that it is told.', [
      inServer(
        'mqtt5-connect',
        'tells the keep-alive and the session expiry that are given instead [MQTT5-3.1.2-21]',
      ),
    ]),
    held('MQTT5-3.1.2-22', 'Silence for one and a half times the keep-alive closes the connection.', [
      inServer('mqtt5-connect', 'tells the reason: silence [MQTT5-3.1.2-22]'),
    ]),
    held(
      'MQTT5-3.1.2-23',
      'A session outlives its connection when it has an expiry.',
      [inServer('mqtt5-connect', 'outlives its connection for as long as was asked for')],
      'For at most `sessionExpiry`, which CONNACK tells.',
    ),
    held('MQTT5-3.1.2-24', 'No packet is larger than the client takes.', [
      inServer('connect-conformance', 'too small for any CONNACK is closed without one [MQTT5-3.1.2-24]'),
      inServer(
        'publish-conformance',
        'make no packet larger than the client takes, and lose none that fits without [MQTT5-3.1.2-24] [MQTT5-3.1.2-25]',
      ),
      inServer(
        'mqtt5-messages',
        'larger than the client takes is dropped as if it were sent [MQTT5-3.1.2-24] [MQTT5-3.1.2-25]',
      ),
    ]),
    held('MQTT5-3.1.2-25', 'A message that would be is dropped as if it were sent.', [
      inServer(
        'publish-conformance',
        'make no packet larger than the client takes, and lose none that fits without [MQTT5-3.1.2-24] [MQTT5-3.1.2-25]',
      ),
      inServer(
        'mqtt5-messages',
        'larger than the client takes is dropped as if it were sent [MQTT5-3.1.2-24] [MQTT5-3.1.2-25]',
      ),
    ]),
    held('MQTT5-3.1.2-26', 'No topic alias is greater than the client takes.', [
      inServer(
        'publish-conformance',
        'are never greater than the client takes [MQTT5-3.1.2-26] [MQTT5-3.3.2-11]',
      ),
      inServer('mqtt5-messages', 'topics are sent as aliases, as many as the client takes [MQTT5-3.1.2-26]'),
    ]),
    held('MQTT5-3.1.2-27', 'A client that takes none is sent none.', [
      inServer('publish-conformance', 'are not sent to a client that takes none [MQTT5-3.1.2-27]'),
    ]),
    held('MQTT5-3.1.2-28', 'Response information is for who asks for it.', [
      inServer('mqtt5-connect', 'brings response information to who asks for it'),
    ]),
    held(
      'MQTT5-3.1.2-29',
      'A client that wants no problem information gets none but in CONNACK and DISCONNECT.',
      [
        inServer(
          'subscribe-conformance',
          'that wants no texts is refused a filter without one [MQTT5-3.1.2-29]',
        ),
        inServer(
          'subscribe-conformance',
          'is refused a PUBLISH without a text that wants none [MQTT5-3.1.2-29]',
        ),
        inServer('mqtt5-messages', 'says no text to a client that wants none [MQTT5-3.1.2-29]'),
      ],
    ),
    client(
      'MQTT5-3.1.2-30',
      'A client with an authentication method sends AUTH and DISCONNECT only until CONNACK.',
      [inServer('mqtt5-connect', 'enhanced authentication is refused with 0x8c [MQTT5-4.12.0-1]')],
    ),
    codec('MQTT5-3.1.3-1', 'The payload has its fields in one order.', [
      inCodec(
        'codec-conformance',
        'has the fields of CONNECT in their order [MQTT-3.1.3-1] [MQTT-3.1.3-3] [MQTT5-3.1.3-1] [MQTT5-3.1.3-3]',
      ),
    ]),
    held(
      'MQTT5-3.1.3-2',
      'The client ID is what a session goes by.',
      [
        inServer(
          'connect-conformance',
          'with a new session has nothing of the one before [MQTT-3.1.2-6] [MQTT5-3.1.2-4]',
        ),
        inServer(
          'connect-conformance',
          'is told of a session only where there was one [MQTT-3.2.2-2] [MQTT-3.2.2-3] [MQTT5-3.2.2-3]',
        ),
      ],
      'The embedder may give clients of different principals sessions of their own under one client ID.',
    ),
    codec('MQTT5-3.1.3-3', 'The client ID is there and comes first.', [
      inCodec(
        'codec-conformance',
        'has the fields of CONNECT in their order [MQTT-3.1.3-1] [MQTT-3.1.3-3] [MQTT5-3.1.3-1] [MQTT5-3.1.3-3]',
      ),
      inServer('malformed-conformance', 'with no client ID'),
    ]),
    codec('MQTT5-3.1.3-4', 'The client ID is UTF-8.', [
      inServer('malformed-conformance', 'with a client ID that is not UTF-8'),
    ]),
    held('MQTT5-3.1.3-5', 'Client IDs of 1 to 23 letters and digits are allowed.', [
      inServer(
        'connect-conformance',
        'may have any ID of 1 to 23 letters and digits [MQTT-3.1.3-5] [MQTT5-3.1.3-5]',
      ),
    ]),
    held('MQTT5-3.1.3-6', 'An empty client ID is replaced by one that nobody else has.', [
      inServer(
        'connect-conformance',
        'without an ID is given one that no other session has [MQTT5-3.2.2-16]',
      ),
    ]),
    held('MQTT5-3.1.3-7', 'And CONNACK tells it.', [
      inServer('mqtt5-connect', 'assigns a client ID, also without clean start [MQTT5-3.1.3-7]'),
    ]),
    held('MQTT5-3.1.3-8', 'A client ID that is not accepted closes the connection.', [
      inServer('mqtt5-connect', 'a refusal with return code %i is reason code %i'),
    ]),
    held('MQTT5-3.1.3-9', 'A client that is back before the delay ends has no will published.', [
      inServer('mqtt5-connect', 'a client that is back in time has no will published [MQTT5-3.1.3-9]'),
    ]),
    held('MQTT5-3.1.3-10', 'A will has its user properties in their order.', [
      inServer(
        'will-conformance',
        'a will has its user properties in the order that they were given [MQTT5-3.1.3-10]',
      ),
    ]),
    codec('MQTT5-3.1.3-11', 'The will topic is UTF-8.', [
      inServer('malformed-conformance', 'with a will topic that is not UTF-8'),
    ]),
    codec('MQTT5-3.1.3-12', 'The user name is UTF-8.', [
      inServer('malformed-conformance', 'with a user name that is not UTF-8'),
    ]),
    held('MQTT5-3.1.4-1', 'A CONNECT that is not as it must be closes the connection.', [
      inServer('malformed-conformance', 'with the reserved flag'),
      inServer('malformed-conformance', 'with no client ID'),
    ]),
    held('MQTT5-3.1.4-2', 'So does one that is not allowed.', [
      inServer('mqtt5-connect', 'a refusal with return code %i is reason code %i'),
    ]),
    held('MQTT5-3.1.4-3', 'A client that is connected already is told 0x8e and disconnected.', [
      inServer('mqtt5-connect', 'tells the reason: take-over [MQTT5-3.1.4-3]'),
    ]),
    held('MQTT5-3.1.4-4', 'Clean start is done as it says.', [
      inServer(
        'connect-conformance',
        'with a new session has nothing of the one before [MQTT-3.1.2-6] [MQTT5-3.1.2-4]',
      ),
    ]),
    held('MQTT5-3.1.4-5', 'Who is let in gets CONNACK with 0x00.', [
      inServer('mqtt5-connect', 'tells the limits of the server (5.0, 3.2.2.3)'),
    ]),
    held('MQTT5-3.1.4-6', 'Nothing is handled that follows a CONNECT that was refused.', [
      inServer(
        'connect-conformance',
        'and is refused has nothing handled that it sent along [MQTT-3.1.4-5] [MQTT5-3.1.4-6]',
      ),
    ]),
  ],
};
