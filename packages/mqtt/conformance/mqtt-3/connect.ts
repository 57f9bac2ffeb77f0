import { type Chapter, client, codec, deviation, held, inCodec, inServer } from '../statement.ts';

export const CONNECT: Chapter = {
  title: '3.1 and 3.2: CONNECT and CONNACK',
  statements: [
    client('MQTT-3.1.0-1', 'A client begins with CONNECT.', [
      inServer('connect', 'anything before CONNECT closes the connection [MQTT-3.1.0-1]'),
    ]),
    held('MQTT-3.1.0-2', 'A second CONNECT closes the connection.', [
      inServer(
        'connect-conformance',
        'a second time is closed without another CONNACK [MQTT-3.1.0-2] [MQTT5-3.1.0-2] [MQTT5-3.2.0-2]',
      ),
      inServer('connect', 'a second CONNECT closes the connection [MQTT-3.1.0-2]'),
    ]),
    codec('MQTT-3.1.2-1', 'A CONNECT with another protocol name is not handled as one.', [
      inCodec('codec', 'CONNECT with another protocol name [MQTT-3.1.2-1]'),
      inServer('malformed-conformance', 'with another protocol name'),
    ]),
    held(
      'MQTT-3.1.2-2',
      'A protocol level that is not served is answered with return code 1 and the end.',
      [
        inCodec('codec', 'a CONNECT of another version says so, whatever follows its level [MQTT-3.1.2-2]'),
        inServer('connect', 'protocol level 3 is refused in its own form'),
      ],
      'A level above 5 is answered in the form of MQTT 5, which is served.',
    ),
    codec('MQTT-3.1.2-3', 'The reserved flag of CONNECT is checked; a client that sets it is closed.', [
      inCodec('codec', 'CONNECT with the reserved flag [MQTT-3.1.2-3]'),
      inServer('malformed-conformance', 'with the reserved flag'),
    ]),
    held(
      'MQTT-3.1.2-4',
      'Without clean session a client goes on with its session, or has a new one, which outlives the connection.',
      [
        inServer(
          'sessions',
          'keeps subscriptions and QoS 1 messages while its client is away [MQTT-3.1.2-4]',
        ),
      ],
      'For at most `sessionExpiry`, and within the limits of its queue.',
    ),
    held(
      'MQTT-3.1.2-5',
      'Such a session keeps QoS 1 and 2 for its subscriptions while the client is away.',
      [
        inServer(
          'sessions',
          'keeps subscriptions and QoS 1 messages while its client is away [MQTT-3.1.2-4]',
        ),
      ],
      'For at most `sessionExpiry`, and within the limits of its queue.',
    ),
    held('MQTT-3.1.2-6', 'Clean session discards what there was and ends with its connection.', [
      inServer(
        'connect-conformance',
        'with a new session has nothing of the one before [MQTT-3.1.2-6] [MQTT5-3.1.2-4]',
      ),
      inServer('sessions', 'is discarded by a clean session [MQTT-3.1.2-6]'),
      inServer('sessions', 'a clean session ends with its connection [MQTT-3.1.2-6]'),
    ]),
    held('MQTT-3.1.2-7', 'Retained messages stay when a session ends.', [
      inServer('publish-conformance', 'is no part of the session that it came from [MQTT-3.1.2-7]'),
    ]),
    deviation(
      'MQTT-3.1.2-8',
      'A will is kept and published when the connection ends, unless DISCONNECT has discarded it.',
      'A server that stops, or is cut short, publishes no wills, then or later: its restart is no news of its devices. Nor is one published whose client has lost the right to.',
      [
        inServer('isolation', 'closes every connection and settles every delivery'),
        inServer('connect', 'is not published when the client has lost the right to its topic meanwhile'),
        inServer('connect', 'is published when the client goes without DISCONNECT [MQTT-3.1.2-8]'),
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
    codec(
      'MQTT-3.1.2-9',
      'With the will flag there are will topic and message, with the QoS and retain of the flags.',
      [
        inServer(
          'will-conformance',
          'has the QoS that it was left with, also 2 [MQTT-3.1.2-9] [MQTT5-3.1.2-12]',
        ),
        inServer('malformed-conformance', 'with a will flag and no will'),
      ],
    ),
    held('MQTT-3.1.2-10', 'A will is gone once it was published or DISCONNECT came.', [
      inServer(
        'will-conformance',
        'is published once, not for the next connection [MQTT-3.1.2-10] [MQTT5-3.1.2-10]',
      ),
      inServer('connect', 'is discarded by DISCONNECT [MQTT-3.14.4-3]'),
    ]),
    codec(
      'MQTT-3.1.2-11',
      'Without the will flag there is neither will QoS, will retain, will topic nor will message.',
      [
        inServer('malformed-conformance', 'with will QoS and no will'),
        inServer('malformed-conformance', 'with will retain and no will'),
        inServer('malformed-conformance', 'with a will and no will flag'),
      ],
    ),
    held('MQTT-3.1.2-12', 'Without a will none is published.', [
      inServer('will-conformance', 'that nobody left is not published [MQTT-3.1.2-12]'),
    ]),
    codec('MQTT-3.1.2-13', 'Without the will flag will QoS is 0.', [
      inCodec('codec', 'CONNECT with will QoS but no will [MQTT-3.1.2-13]'),
      inServer('malformed-conformance', 'with will QoS and no will'),
    ]),
    codec('MQTT-3.1.2-14', 'Will QoS is not 3.', [
      inCodec('codec', 'CONNECT with will QoS 3 [MQTT-3.1.2-14]'),
      inServer('malformed-conformance', 'with will QoS 3'),
    ]),
    codec('MQTT-3.1.2-15', 'Without the will flag will retain is 0.', [
      inServer('malformed-conformance', 'with will retain and no will'),
    ]),
    held('MQTT-3.1.2-16', 'A will without will retain is not retained.', [
      inServer('will-conformance', 'is not retained [MQTT-3.1.2-16] [MQTT5-3.1.2-14]'),
    ]),
    deviation(
      'MQTT-3.1.2-17',
      'A will with will retain is retained.',
      'Within the limits for retained messages; nothing is retained on topics that begin with $.',
      [inServer('will-conformance', 'is retained when it asks for it [MQTT-3.1.2-17] [MQTT5-3.1.2-15]')],
    ),
    codec('MQTT-3.1.2-18', 'Without its flag there is no user name.', [
      inServer('malformed-conformance', 'with a user name and no user name flag'),
    ]),
    codec('MQTT-3.1.2-19', 'With its flag there is a user name.', [
      inServer('malformed-conformance', 'with a user name flag and no user name'),
    ]),
    codec('MQTT-3.1.2-20', 'Without its flag there is no password.', [
      inServer('malformed-conformance', 'with a password and no password flag'),
    ]),
    codec('MQTT-3.1.2-21', 'With its flag there is a password.', [
      inServer('malformed-conformance', 'with a password flag and no password'),
    ]),
    codec('MQTT-3.1.2-22', 'Without a user name there is no password.', [
      inCodec('codec', 'CONNECT with a password alone [MQTT-3.1.2-22]'),
      inServer('malformed-conformance', 'with a password flag and no user name flag'),
    ]),
    client('MQTT-3.1.2-23', 'A client with nothing else to say sends PINGREQ within its keep-alive.', [
      inServer(
        'client-conformance',
        'and falls silent is closed at one and a half times its keep-alive [MQTT-3.1.2-23] [MQTT5-3.1.2-20]',
      ),
    ]),
    held(
      'MQTT-3.1.2-24',
      'Silence for one and a half times the keep-alive closes the connection.',
      [
        inServer(
          'connect',
          'silence for one and a half times the keep-alive closes the connection [MQTT-3.1.2-24]',
        ),
        inServer(
          'connect',
          'a keep-alive of 5 s counts as 5 s: in 3.1.1 a longer one could not be told [MQTT-3.1.2-24]',
        ),
        inServer(
          'connect',
          'a keep-alive of 0 s counts as 1200 s: in 3.1.1 a longer one could not be told [MQTT-3.1.2-24]',
        ),
        inServer(
          'connect',
          'a keep-alive of 65535 s counts as 1200 s: in 3.1.1 a longer one could not be told [MQTT-3.1.2-24]',
        ),
      ],
      'Who asks for none, or for more than `maxKeepAlive`, has that.',
    ),
    codec('MQTT-3.1.3-1', 'The payload has its fields in one order.', [
      inCodec(
        'codec-conformance',
        'has the fields of CONNECT in their order [MQTT-3.1.3-1] [MQTT-3.1.3-3] [MQTT5-3.1.3-1] [MQTT5-3.1.3-3]',
      ),
    ]),
    held(
      'MQTT-3.1.3-2',
      'The client ID is what a session goes by.',
      [inServer('sessions', 'is taken over with its messages by a second connection')],
      'The embedder may give clients of different principals sessions of their own under one client ID.',
    ),
    codec('MQTT-3.1.3-3', 'The client ID is there and comes first.', [
      inCodec(
        'codec-conformance',
        'has the fields of CONNECT in their order [MQTT-3.1.3-1] [MQTT-3.1.3-3] [MQTT5-3.1.3-1] [MQTT5-3.1.3-3]',
      ),
      inServer('malformed-conformance', 'with no client ID'),
    ]),
    codec('MQTT-3.1.3-4', 'The client ID is UTF-8.', [
      inServer('malformed-conformance', 'with a client ID that is not UTF-8'),
    ]),
    held('MQTT-3.1.3-5', 'Client IDs of 1 to 23 letters and digits are allowed.', [
      inServer(
        'connect-conformance',
        'may have any ID of 1 to 23 letters and digits [MQTT-3.1.3-5] [MQTT5-3.1.3-5]',
      ),
    ]),
    held('MQTT-3.1.3-6', 'An empty client ID is replaced by one that nobody else has.', [
      inServer(
        'connect',
        'an empty client ID is replaced by one of the server with clean session [MQTT-3.1.3-6]',
      ),
    ]),
    client('MQTT-3.1.3-7', 'A client without an ID asks for a clean session.', [
      inServer('connect', 'a client ID empty without clean session [MQTT-3.1.3-8] is refused with 2'),
    ]),
    held(
      'MQTT-3.1.3-8',
      'An empty client ID without clean session is answered with return code 2 and the end.',
      [inServer('connect', 'a client ID empty without clean session [MQTT-3.1.3-8] is refused with 2')],
    ),
    held('MQTT-3.1.3-9', 'So is a client ID that is not accepted.', [
      inServer('connect', 'a client ID longer than 128 bytes is refused with 2'),
    ]),
    codec('MQTT-3.1.3-10', 'The will topic is UTF-8.', [
      inServer('malformed-conformance', 'with a will topic that is not UTF-8'),
    ]),
    codec('MQTT-3.1.3-11', 'The user name is UTF-8.', [
      inServer('malformed-conformance', 'with a user name that is not UTF-8'),
    ]),
    held('MQTT-3.1.4-1', 'A CONNECT that is not as it must be closes the connection without CONNACK.', [
      inServer('malformed-conformance', 'with the reserved flag'),
      inServer('malformed-conformance', 'with no client ID'),
      inServer('malformed-conformance', 'with another protocol name'),
    ]),
    held('MQTT-3.1.4-2', 'A client that is connected already is disconnected.', [
      inServer('connect', 'a second connection with the same client ID ends the first [MQTT-3.1.4-2]'),
    ]),
    held('MQTT-3.1.4-3', 'Clean session is done as it says.', [
      inServer('sessions', 'is discarded by a clean session [MQTT-3.1.2-6]'),
    ]),
    held('MQTT-3.1.4-4', 'Who is let in gets CONNACK with return code 0.', [
      inServer('connect', 'is answered with CONNACK, and the embedder is told who came'),
    ]),
    held('MQTT-3.1.4-5', 'Nothing is handled that follows a CONNECT that was refused.', [
      inServer(
        'connect-conformance',
        'and is refused has nothing handled that it sent along [MQTT-3.1.4-5] [MQTT5-3.1.4-6]',
      ),
    ]),
    held('MQTT-3.2.0-1', 'The first packet of the server is CONNACK.', [
      inServer(
        'connect-conformance',
        'hears CONNACK first, also when messages wait for it [MQTT-3.2.0-1] [MQTT5-3.2.0-1]',
      ),
    ]),
    held('MQTT-3.2.2-1', 'Clean session is answered with no session present.', [
      inServer('sessions', 'is discarded by a clean session [MQTT-3.1.2-6]'),
    ]),
    held('MQTT-3.2.2-2', 'A session that there was is told as present.', [
      inServer(
        'connect-conformance',
        'is told of a session only where there was one [MQTT-3.2.2-2] [MQTT-3.2.2-3] [MQTT5-3.2.2-3]',
      ),
      inServer('sessions', 'keeps subscriptions and QoS 1 messages while its client is away [MQTT-3.1.2-4]'),
    ]),
    held('MQTT-3.2.2-3', 'No session is told as present where there was none.', [
      inServer(
        'connect-conformance',
        'is told of a session only where there was one [MQTT-3.2.2-2] [MQTT-3.2.2-3] [MQTT5-3.2.2-3]',
      ),
    ]),
    held('MQTT-3.2.2-4', 'A refusal tells of no session.', [
      inServer(
        'connect-conformance',
        'and is refused is told of no session, and keeps it [MQTT-3.2.2-4] [MQTT5-3.2.2-6]',
      ),
    ]),
    held('MQTT-3.2.2-5', 'A refusal closes the connection.', [
      inServer('connect', 'a refusal carries its return code and closes the connection [MQTT-3.2.2-5]'),
    ]),
    held('MQTT-3.2.2-6', 'What no return code says is the end without CONNACK.', [
      inServer('connect', 'a client whose authentication takes too long is closed, and let in no more'),
      inServer('malformed-conformance', 'with no client ID'),
    ]),
  ],
};
