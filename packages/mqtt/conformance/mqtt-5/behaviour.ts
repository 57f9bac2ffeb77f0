import { type Chapter, client, deviation, held, inServer, inSession, inTopics } from '../statement.ts';

export const BEHAVIOUR: Chapter = {
  title: '4.1 to 4.6: sessions, delivery and order',
  statements: [
    held('MQTT5-4.1.0-1', 'A session is not discarded while its connection is open.', [
      inServer('sessions', 'does not expire while its client is back'),
    ]),
    held('MQTT5-4.1.0-2', 'It is discarded when the connection is closed and its expiry has passed.', [
      inServer('mqtt5-connect', 'outlives its connection for as long as was asked for'),
      inServer('mqtt5-connect', 'ends with its connection when no expiry is asked for (3.1.2.11.2)'),
    ]),
    held('MQTT5-4.2.0-1', 'It is served over an ordered, lossless stream of bytes.', [
      inServer('mqtt-js', 'an independent client of level %i is heard and hears with QoS 0, 1 and 2'),
    ]),
    held('MQTT5-4.3.1-1', 'QoS 0 is sent without DUP.', [
      inServer(
        'qos-conformance',
        'QoS 0 has no identifier and no DUP, QoS 1 and 2 begin without DUP [MQTT-4.3.1-1] [MQTT5-4.3.1-1] [MQTT5-4.3.2-2] [MQTT5-4.3.3-2]',
      ),
    ]),
    held('MQTT5-4.3.2-1', 'QoS 1 is sent with a free identifier.', [
      inSession(
        'outgoing-queue',
        'never gives two unacknowledged messages one identifier, and delivers every message in order',
      ),
    ]),
    held('MQTT5-4.3.2-2', 'At first without DUP.', [
      inServer(
        'qos-conformance',
        'QoS 0 has no identifier and no DUP, QoS 1 and 2 begin without DUP [MQTT-4.3.1-1] [MQTT5-4.3.1-1] [MQTT5-4.3.2-2] [MQTT5-4.3.3-2]',
      ),
    ]),
    held('MQTT5-4.3.2-3', 'It is unacknowledged until PUBACK.', [
      inServer(
        'qos-conformance',
        'a message of another kind that bears its identifier acknowledges nothing [MQTT5-4.3.2-3] [MQTT5-4.3.3-3]',
      ),
    ]),
    held('MQTT5-4.3.2-4', 'QoS 1 is answered with PUBACK when the server has it.', [
      inServer(
        'mqtt5-messages',
        'by policy is told so with QoS 1 and 2, and the connection goes on [MQTT5-4.3.2-4]',
      ),
      inServer(
        'mqtt5-messages',
        'for its topic is told so with QoS 1 and 2, and the connection goes on [MQTT5-4.3.2-4]',
      ),
      inServer(
        'mqtt5-messages',
        'for its size is told so with QoS 1 and 2, and the connection goes on [MQTT5-4.3.2-4]',
      ),
      inServer(
        'publish',
        'is acknowledged only when the embedder has it, in the order of arrival [MQTT-4.6.0-2]',
      ),
    ]),
    held('MQTT5-4.3.2-5', 'After that its identifier is free, whatever DUP says.', [
      inServer(
        'qos-conformance',
        'what bears the identifier of an acknowledged message is a new one, whatever DUP says [MQTT-4.3.2-2] [MQTT5-4.3.2-5]',
      ),
    ]),
    held('MQTT5-4.3.3-1', 'QoS 2 is sent with a free identifier.', [
      inSession(
        'outgoing-queue',
        'never gives two unacknowledged messages one identifier, and delivers every message in order',
      ),
    ]),
    held('MQTT5-4.3.3-2', 'At first without DUP.', [
      inServer(
        'qos-conformance',
        'QoS 0 has no identifier and no DUP, QoS 1 and 2 begin without DUP [MQTT-4.3.1-1] [MQTT5-4.3.1-1] [MQTT5-4.3.2-2] [MQTT5-4.3.3-2]',
      ),
    ]),
    held('MQTT5-4.3.3-3', 'It is unacknowledged until PUBREC.', [
      inServer(
        'qos-conformance',
        'a message of another kind that bears its identifier acknowledges nothing [MQTT5-4.3.2-3] [MQTT5-4.3.3-3]',
      ),
    ]),
    held('MQTT5-4.3.3-4', 'PUBREC that accepts is answered with PUBREL of its identifier.', [
      inServer(
        'qos2',
        'goes through PUBREC, PUBREL and PUBCOMP, and is acknowledged with the last [MQTT-4.3.3-1]',
      ),
      inServer('qos-conformance', 'PUBREL comes in the order of PUBREC [MQTT-4.6.0-4] [MQTT5-4.6.0-4]'),
    ]),
    held('MQTT5-4.3.3-5', 'PUBREL is unacknowledged until PUBCOMP.', [
      inServer(
        'qos-conformance',
        'PUBLISH never comes again once PUBREL was sent [MQTT-4.3.3-1] [MQTT5-4.3.3-5] [MQTT5-4.3.3-6]',
      ),
    ]),
    held('MQTT5-4.3.3-6', 'PUBLISH is not sent again after PUBREL.', [
      inServer(
        'qos-conformance',
        'PUBLISH never comes again once PUBREL was sent [MQTT-4.3.3-1] [MQTT5-4.3.3-5] [MQTT5-4.3.3-6]',
      ),
    ]),
    held('MQTT5-4.3.3-7', 'Nor does it expire once it was sent.', [
      inServer('qos-conformance', 'that began a message gets it to its end, expired or not [MQTT5-4.3.3-7]'),
    ]),
    held('MQTT5-4.3.3-8', 'QoS 2 is answered with PUBREC when the server has it.', [
      inServer('qos2', 'waits on a new connection for what the embedder has not settled on the old one'),
      inServer('qos2', 'counts once, however often it is sent before it is released [MQTT-4.3.3-2]'),
    ]),
    held('MQTT5-4.3.3-9', 'After a PUBREC that refuses, its identifier is free.', [
      inServer(
        'qos-conformance',
        'may use the identifier of a message of QoS 2 that was refused for a new one [MQTT5-4.3.3-9]',
      ),
    ]),
    held('MQTT5-4.3.3-10', 'Until PUBREL it is answered again with PUBREC, and counts once.', [
      inServer(
        'qos-conformance',
        'that repeats a message of QoS 2 hears that it was accepted, also where it may not send it any more [MQTT5-4.3.3-10]',
      ),
      inServer('qos2', 'counts once, however often it is sent before it is released [MQTT-4.3.3-2]'),
    ]),
    held('MQTT5-4.3.3-11', 'PUBREL is answered with PUBCOMP of its identifier.', [
      inServer('qos2', 'counts once, however often it is sent before it is released [MQTT-4.3.3-2]'),
    ]),
    held('MQTT5-4.3.3-12', 'After PUBCOMP its identifier is free.', [
      inServer('qos2', 'counts once, however often it is sent before it is released [MQTT-4.3.3-2]'),
    ]),
    held('MQTT5-4.3.3-13', 'The exchange goes on when the message has expired.', [
      inServer('qos-conformance', 'whose own message has expired goes on to PUBCOMP [MQTT5-4.3.3-13]'),
    ]),
    held(
      'MQTT5-4.4.0-1',
      'What was not acknowledged is sent again after a reconnect with its identifier, and at no other time.',
      [
        inServer(
          'qos-conformance',
          'nothing is sent again while it is connected, however long it says nothing of it [MQTT5-4.4.0-1]',
        ),
        inServer(
          'qos-conformance',
          'what is sent again comes in the order of its first sending, and once for each connection [MQTT-4.4.0-1] [MQTT-4.6.0-1] [MQTT5-4.4.0-1] [MQTT5-4.6.0-1]',
        ),
      ],
    ),
    held('MQTT5-4.4.0-2', 'What the client refuses is not sent again.', [
      inServer('qos-conformance', 'that refuses a message is not sent it again [MQTT5-4.4.0-2]'),
      inServer('qos2', 'a client of MQTT 5 that refuses it with PUBREC ends the exchange [MQTT5-4.4.0-2]'),
    ]),
    deviation(
      'MQTT5-4.5.0-1',
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
    client('MQTT5-4.5.0-2', 'A client acknowledges whatever it makes of a message.', [
      inServer(
        'client-conformance',
        'and acknowledges nothing is sent its window, and the same again when it comes back [MQTT-4.5.0-2] [MQTT5-4.5.0-2]',
      ),
    ]),
    held('MQTT5-4.6.0-1', 'What is sent again comes in the order of its first sending.', [
      inServer(
        'qos-conformance',
        'what is sent again comes in the order of its first sending, and once for each connection [MQTT-4.4.0-1] [MQTT-4.6.0-1] [MQTT5-4.4.0-1] [MQTT5-4.6.0-1]',
      ),
    ]),
    held('MQTT5-4.6.0-2', 'PUBACKs come in the order of their PUBLISHes.', [
      inServer(
        'publish',
        'is acknowledged only when the embedder has it, in the order of arrival [MQTT-4.6.0-2]',
      ),
    ]),
    held('MQTT5-4.6.0-3', 'So do PUBRECs.', [
      inServer(
        'qos-conformance',
        'PUBREC and PUBCOMP come in the order of what they answer [MQTT-4.6.0-3] [MQTT5-4.6.0-3]',
      ),
    ]),
    held('MQTT5-4.6.0-4', 'PUBRELs come in the order of their PUBRECs.', [
      inServer('qos-conformance', 'PUBREL comes in the order of PUBREC [MQTT-4.6.0-4] [MQTT5-4.6.0-4]'),
    ]),
    held('MQTT5-4.6.0-5', 'Messages of one client for a topic come to each subscriber in their order.', [
      inServer(
        'publish-conformance',
        'of many messages comes to every subscriber in their order [MQTT-4.6.0-5] [MQTT-4.6.0-6] [MQTT5-4.6.0-5] [MQTT5-4.6.0-6]',
      ),
    ]),
    held('MQTT5-4.6.0-6', 'Every topic is an ordered one.', [
      inServer(
        'publish-conformance',
        'of many messages comes to every subscriber in their order [MQTT-4.6.0-5] [MQTT-4.6.0-6] [MQTT5-4.6.0-5] [MQTT5-4.6.0-6]',
      ),
    ]),
  ],
};
