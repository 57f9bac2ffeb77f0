import {
  type Chapter,
  client,
  codec,
  deviation,
  held,
  inFile,
  inServer,
  inSession,
  inTopics,
  moot,
} from '../statement.ts';

export const BEHAVIOUR: Chapter = {
  title: 'Chapters 4, 6 and 7: behaviour, WebSocket and conformance',
  statements: [
    held('MQTT-4.1.0-1', 'The state of a session is kept for as long as it lasts.', [
      inServer('sessions', 'keeps subscriptions and QoS 1 messages while its client is away [MQTT-3.1.2-4]'),
      inServer('durable-sessions', 'a session has its subscriptions and its messages, in order'),
    ]),
    held('MQTT-4.1.0-2', 'A session lasts at least as long as its connection.', [
      inServer('sessions', 'does not expire while its client is back'),
    ]),
    held('MQTT-4.3.1-1', 'QoS 0 is sent without DUP.', [
      inServer(
        'qos-conformance',
        'QoS 0 has no identifier and no DUP, QoS 1 and 2 begin without DUP [MQTT-4.3.1-1] [MQTT5-4.3.1-1] [MQTT5-4.3.2-2] [MQTT5-4.3.3-2]',
      ),
    ]),
    held(
      'MQTT-4.3.2-1',
      'QoS 1 is sent with a free identifier and without DUP, and is unacknowledged until PUBACK.',
      [
        inSession(
          'outgoing-queue',
          'never gives two unacknowledged messages one identifier, and delivers every message in order',
        ),
        inServer(
          'sessions',
          'redelivers with DUP and the same identifier what was not acknowledged [MQTT-4.4.0-1]',
        ),
      ],
    ),
    held(
      'MQTT-4.3.2-2',
      'QoS 1 is answered with PUBACK when the server has it; after that its identifier is free.',
      [
        inServer(
          'qos-conformance',
          'what bears the identifier of an acknowledged message is a new one, whatever DUP says [MQTT-4.3.2-2] [MQTT5-4.3.2-5]',
        ),
        inServer(
          'publish',
          'is acknowledged only when the embedder has it, in the order of arrival [MQTT-4.6.0-2]',
        ),
      ],
    ),
    held(
      'MQTT-4.3.3-1',
      'QoS 2 is sent with a free identifier and without DUP; PUBREL follows PUBREC and PUBLISH never PUBREL.',
      [
        inServer(
          'qos-conformance',
          'PUBLISH never comes again once PUBREL was sent [MQTT-4.3.3-1] [MQTT5-4.3.3-5] [MQTT5-4.3.3-6]',
        ),
        inServer(
          'qos2',
          'goes through PUBREC, PUBREL and PUBCOMP, and is acknowledged with the last [MQTT-4.3.3-1]',
        ),
        inSession(
          'outgoing-queue',
          'never gives two unacknowledged messages one identifier, and delivers every message in order',
        ),
      ],
    ),
    held(
      'MQTT-4.3.3-2',
      'QoS 2 is answered with PUBREC, counts once until PUBREL, which PUBCOMP answers, and is new after that.',
      [
        inServer('qos2', 'counts once, however often it is sent before it is released [MQTT-4.3.3-2]'),
        inServer('durable-sessions', 'a QoS 2 message that was received counts once still [MQTT-4.3.3-2]'),
      ],
    ),
    held('MQTT-4.4.0-1', 'What was not acknowledged is sent again after a reconnect with its identifier.', [
      inServer(
        'qos-conformance',
        'what is sent again comes in the order of its first sending, and once for each connection [MQTT-4.4.0-1] [MQTT-4.6.0-1] [MQTT5-4.4.0-1] [MQTT5-4.6.0-1]',
      ),
      inServer(
        'qos2',
        'sends again after a reconnect what each message has reached: PUBLISH with DUP, or PUBREL [MQTT-4.4.0-1]',
      ),
      inSession(
        'outgoing-queue',
        'sends again, with DUP, the same identifiers and in the first order, what was not acknowledged [MQTT-4.4.0-1]',
      ),
      inServer(
        'sessions',
        'redelivers with DUP and the same identifier what was not acknowledged [MQTT-4.4.0-1]',
      ),
    ]),
    deviation(
      'MQTT-4.5.0-1',
      'A message goes into every session that has a subscription for it.',
      'Within the limits of its queue. What a client publishes on a topic that begins with $ goes to the embedder alone.',
      [
        inServer(
          'sessions',
          'keeps subscriptions and QoS 1 messages while its client is away [MQTT-3.1.2-4]',
        ),
        inTopics(
          'topics',
          'finds exactly the filters that match one by one, after any additions and removals',
        ),
      ],
    ),
    client('MQTT-4.5.0-2', 'A client acknowledges whatever it makes of a message.', [
      inServer(
        'client-conformance',
        'and acknowledges nothing is sent its window, and the same again when it comes back [MQTT-4.5.0-2] [MQTT5-4.5.0-2]',
      ),
    ]),
    held('MQTT-4.6.0-1', 'What is sent again comes in the order of its first sending.', [
      inServer(
        'qos-conformance',
        'what is sent again comes in the order of its first sending, and once for each connection [MQTT-4.4.0-1] [MQTT-4.6.0-1] [MQTT5-4.4.0-1] [MQTT5-4.6.0-1]',
      ),
    ]),
    held('MQTT-4.6.0-2', 'PUBACKs come in the order of their PUBLISHes.', [
      inServer(
        'publish',
        'is acknowledged only when the embedder has it, in the order of arrival [MQTT-4.6.0-2]',
      ),
    ]),
    held('MQTT-4.6.0-3', 'So do PUBRECs.', [
      inServer(
        'qos-conformance',
        'PUBREC and PUBCOMP come in the order of what they answer [MQTT-4.6.0-3] [MQTT5-4.6.0-3]',
      ),
    ]),
    held('MQTT-4.6.0-4', 'PUBRELs come in the order of their PUBRECs.', [
      inServer('qos-conformance', 'PUBREL comes in the order of PUBREC [MQTT-4.6.0-4] [MQTT5-4.6.0-4]'),
    ]),
    held('MQTT-4.6.0-5', 'Every topic is an ordered one.', [
      inServer(
        'publish-conformance',
        'of many messages comes to every subscriber in their order [MQTT-4.6.0-5] [MQTT-4.6.0-6] [MQTT5-4.6.0-5] [MQTT5-4.6.0-6]',
      ),
    ]),
    held('MQTT-4.6.0-6', 'Messages of one client for a topic come to each subscriber in their order.', [
      inServer(
        'publish-conformance',
        'of many messages comes to every subscriber in their order [MQTT-4.6.0-5] [MQTT-4.6.0-6] [MQTT5-4.6.0-5] [MQTT5-4.6.0-6]',
      ),
    ]),
    held('MQTT-4.7.1-1', 'Wildcards stand in filters only.', [
      inServer('malformed-conformance', 'PUBLISH to a wildcard [MQTT-3.3.2-2] [MQTT-4.7.1-1]'),
    ]),
    held('MQTT-4.7.1-2', '# is the whole last level.', [
      inServer('malformed-conformance', 'SUBSCRIBE to a level that holds # and more [MQTT-4.7.1-2]'),
      inServer('malformed-conformance', 'SUBSCRIBE with # before the last level [MQTT-4.7.1-2]'),
      inServer('subscribe', 'a malformed filter closes the connection [MQTT-4.7.1-2]'),
      inTopics('topics', '%j is no filter'),
    ]),
    held('MQTT-4.7.1-3', '+ is a whole level.', [
      inServer('malformed-conformance', 'SUBSCRIBE to a level that holds + and more [MQTT-4.7.1-3]'),
      inTopics('topics', '%j is no filter'),
    ]),
    held('MQTT-4.7.2-1', 'A wildcard at the first level matches no topic that begins with $.', [
      inServer(
        'publish-conformance',
        'on a topic with $ matches no wildcard at its first level [MQTT-4.7.2-1] [MQTT5-4.7.2-1]',
      ),
    ]),
    held('MQTT-4.7.3-1', 'Topic names and filters are not empty.', [
      inServer('malformed-conformance', 'PUBLISH to no topic [MQTT-4.7.3-1]'),
      inServer('malformed-conformance', 'SUBSCRIBE to an empty filter [MQTT-4.7.3-1]'),
    ]),
    codec('MQTT-4.7.3-2', 'Nor do they hold U+0000.', [
      inServer('malformed-conformance', 'text with U+0000 [MQTT-1.5.3-2] [MQTT-4.7.3-2]'),
    ]),
    codec(
      'MQTT-4.7.3-3',
      'Nor are they longer than 65,535 bytes.',
      [
        inServer(
          'publish-conformance',
          'a topic of more bytes than a length can tell is refused to the embedder [MQTT-4.7.3-3] [MQTT5-4.7.3-3]',
        ),
        inServer('publish', 'to a topic with more than 256 bytes closes the connection'),
      ],
      '`maxTopicLength` is far less.',
    ),
    held('MQTT-4.7.3-4', 'They are compared as they are, letter by letter.', [
      inServer(
        'publish-conformance',
        'goes to exactly the topic that it names, letter by letter [MQTT-4.7.3-4] [MQTT5-4.7.3-4]',
      ),
      inTopics('topics', 'finds exactly the filters that match one by one, after any additions and removals'),
    ]),
    held('MQTT-4.8.0-1', 'A protocol violation closes the connection.', [
      inServer('connect', 'a second CONNECT closes the connection [MQTT-3.1.0-2]'),
      inServer('publish', 'a packet that only a server sends closes the connection'),
    ]),
    held('MQTT-4.8.0-2', 'A transient error while a packet is handled closes the connection.', [
      inServer('publish', 'that the embedder rejects closes the connection without PUBACK'),
    ]),
    held('MQTT-6.0.0-1', 'Another frame than a binary one closes the WebSocket.', [
      inFile(
        'packages/cloud/src/websocket/mqtt-websocket.test.ts',
        'is closed at a text frame [MQTT-6.0.0-1]',
      ),
    ]),
    held('MQTT-6.0.0-2', 'Packets may span frames, and share them.', [
      inFile(
        'packages/cloud/src/websocket/mqtt-websocket.test.ts',
        'takes packets that span frames, and frames that hold several [MQTT-6.0.0-2]',
      ),
    ]),
    client('MQTT-6.0.0-3', 'A client offers the subprotocol `mqtt`.', [
      inFile(
        'packages/cloud/src/websocket/mqtt-websocket.test.ts',
        'with a signed URL without the subprotocol [MQTT-6.0.0-3] is refused',
      ),
    ]),
    deviation(
      'MQTT-6.0.0-4',
      'The server selects the subprotocol `mqtt`.',
      'A client that offers only `mqttv3.1`, as some for browsers do, is answered with that.',
      [
        inFile(
          'packages/cloud/src/websocket/mqtt-websocket.test.ts',
          'is spoken on the main port with a signed URL, in the subprotocol that was offered [MQTT-6.0.0-4]',
        ),
      ],
    ),
    moot(
      'MQTT-7.0.0-1',
      'A server that connects to other servers conforms as a client, too.',
      'It connects to none.',
    ),
    held('MQTT-7.0.0-2', 'Nothing beyond the standard is needed to talk to it.', [
      inServer('mqtt-js', 'an independent client of level %i is heard and hears with QoS 0, 1 and 2'),
    ]),
    held('MQTT-7.1.1-1', 'It is served over an ordered, lossless stream of bytes.', [
      inServer('mqtt-js', 'an independent client of level %i is heard and hears with QoS 0, 1 and 2'),
    ]),
    client('MQTT-7.1.2-1', 'So is a client.'),
  ],
};
