import { type Chapter, client, codec, deviation, held, inServer, inTopics } from '../statement.ts';

export const PUBLISH: Chapter = {
  title: '3.3: PUBLISH',
  statements: [
    held('MQTT5-3.3.1-1', 'What is delivered again has DUP.', [
      inServer(
        'qos-conformance',
        'what is sent again comes in the order of its first sending, and once for each connection [MQTT-4.4.0-1] [MQTT-4.6.0-1] [MQTT5-4.4.0-1] [MQTT5-4.6.0-1]',
      ),
    ]),
    codec('MQTT5-3.3.1-2', 'QoS 0 has no DUP.', [
      inServer('malformed-conformance', 'PUBLISH with QoS 0 and DUP [MQTT5-3.3.1-2]'),
    ]),
    held('MQTT5-3.3.1-3', 'DUP of a publisher is not passed on.', [
      inServer('publish-conformance', 'with DUP goes to subscribers without [MQTT-3.3.1-3] [MQTT5-3.3.1-3]'),
    ]),
    codec('MQTT5-3.3.1-4', 'There is no QoS 3.', [
      inServer('malformed-conformance', 'PUBLISH with QoS 3 [MQTT5-3.3.1-4]'),
    ]),
    deviation(
      'MQTT5-3.3.1-5',
      'A message with retain replaces what was retained for its topic.',
      'Within the limits for retained messages; nothing is retained on topics that begin with $.',
      [
        inServer(
          'publish-conformance',
          'is replaced by the next, of QoS 0, too [MQTT-3.3.1-5] [MQTT-3.3.1-7] [MQTT5-3.3.1-5]',
        ),
      ],
    ),
    held('MQTT5-3.3.1-6', 'An empty one goes to subscribers and leaves nothing retained.', [
      inServer(
        'publish-conformance',
        'goes when an empty one comes, which subscribers get and nobody later [MQTT-3.3.1-10] [MQTT-3.3.1-11] [MQTT5-3.3.1-6] [MQTT5-3.3.1-7]',
      ),
    ]),
    held('MQTT5-3.3.1-7', 'An empty message is not retained.', [
      inServer(
        'publish-conformance',
        'goes when an empty one comes, which subscribers get and nobody later [MQTT-3.3.1-10] [MQTT-3.3.1-11] [MQTT5-3.3.1-6] [MQTT5-3.3.1-7]',
      ),
    ]),
    held('MQTT5-3.3.1-8', 'A message without retain changes nothing that is retained.', [
      inServer(
        'publish-conformance',
        'stays when one comes that is not to be retained [MQTT-3.3.1-12] [MQTT5-3.3.1-8]',
      ),
    ]),
    held('MQTT5-3.3.1-9', 'Retain handling 0: a subscription brings what is retained.', [
      inServer(
        'mqtt5-subscribe',
        'retain handling: always, for a new subscription, never [MQTT5-3.3.1-9] [MQTT5-3.3.1-10] [MQTT5-3.3.1-11]',
      ),
      inServer(
        'publish-conformance',
        'comes for every topic that the filter matches, each with the flag [MQTT-3.3.1-6] [MQTT-3.3.1-8] [MQTT5-3.3.1-9]',
      ),
    ]),
    held('MQTT5-3.3.1-10', 'Retain handling 1: only a new subscription does.', [
      inServer(
        'mqtt5-subscribe',
        'retain handling: always, for a new subscription, never [MQTT5-3.3.1-9] [MQTT5-3.3.1-10] [MQTT5-3.3.1-11]',
      ),
    ]),
    held('MQTT5-3.3.1-11', 'Retain handling 2: none does.', [
      inServer(
        'mqtt5-subscribe',
        'retain handling: always, for a new subscription, never [MQTT5-3.3.1-9] [MQTT5-3.3.1-10] [MQTT5-3.3.1-11]',
      ),
    ]),
    held('MQTT5-3.3.1-12', 'Without retain as published, what is forwarded has no retain.', [
      inServer(
        'mqtt5-subscribe',
        'retain as published keeps the flag [MQTT5-3.3.1-13], otherwise it is cleared [MQTT5-3.3.1-12]',
      ),
    ]),
    held('MQTT5-3.3.1-13', 'With it, it has the flag of its publisher.', [
      inServer(
        'mqtt5-subscribe',
        'retain as published keeps the flag [MQTT5-3.3.1-13], otherwise it is cleared [MQTT5-3.3.1-12]',
      ),
    ]),
    codec('MQTT5-3.3.2-1', 'The topic name comes first and is UTF-8.', [
      inServer('malformed-conformance', 'text that is not UTF-8 [MQTT5-1.5.4-1] [MQTT5-3.3.2-1]'),
    ]),
    held('MQTT5-3.3.2-2', 'A topic name has no wildcards.', [
      inServer('malformed-conformance', 'PUBLISH to a wildcard [MQTT5-3.3.2-2] [MQTT5-4.7.0-1]'),
    ]),
    held('MQTT5-3.3.2-3', 'What a client is sent matches a filter that it subscribes to.', [
      inTopics('topics', 'finds exactly the filters that match one by one, after any additions and removals'),
    ]),
    held('MQTT5-3.3.2-4', 'The payload format indicator is passed on as it is.', [
      inServer('mqtt5-messages', 'go unchanged to its subscribers, and to the embedder [MQTT5-3.3.2-17]'),
    ]),
    held('MQTT5-3.3.2-5', 'What has expired before it was sent is not sent.', [
      inTopics('retained-messages', 'forgets what has expired [MQTT5-3.3.2-5]'),
      inServer(
        'mqtt5-messages',
        'what is left of the expiry is told, and what has expired is not sent [MQTT5-3.3.2-5] [MQTT5-3.3.2-6]',
      ),
    ]),
    held('MQTT5-3.3.2-6', 'What is left of the expiry is sent with a message.', [
      inServer(
        'mqtt5-messages',
        'what is left of the expiry is told, and what has expired is not sent [MQTT5-3.3.2-5] [MQTT5-3.3.2-6]',
      ),
    ]),
    held('MQTT5-3.3.2-7', 'Topic aliases end with their connection.', [
      inServer('publish-conformance', 'end with their connection, in both directions [MQTT5-3.3.2-7]'),
    ]),
    held('MQTT5-3.3.2-8', 'There is no topic alias 0.', [
      inServer('mqtt5-messages', 'a topic alias 0 [MQTT5-3.3.2-8] ends the connection'),
      inServer(
        'publish-conformance',
        'are never greater than the client takes [MQTT5-3.1.2-26] [MQTT5-3.3.2-11]',
      ),
    ]),
    client('MQTT5-3.3.2-9', 'A client uses no greater alias than it was told.', [
      inServer('mqtt5-messages', 'a topic alias beyond the maximum [MQTT5-3.3.2-9] ends the connection'),
    ]),
    client('MQTT5-3.3.2-10', 'A client accepts every alias up to its maximum.'),
    held('MQTT5-3.3.2-11', 'The server sends no greater alias than the client takes.', [
      inServer(
        'publish-conformance',
        'are never greater than the client takes [MQTT5-3.1.2-26] [MQTT5-3.3.2-11]',
      ),
    ]),
    held('MQTT5-3.3.2-12', 'The server accepts every alias up to its maximum.', [
      inServer(
        'publish-conformance',
        'of a client may be any up to the maximum that it was told [MQTT5-3.3.2-12]',
      ),
      inServer('mqtt5-messages', 'topic aliases of the client stand for their topics [MQTT5-3.3.2-12]'),
    ]),
    codec('MQTT5-3.3.2-13', 'The response topic is UTF-8.', [
      inServer('malformed-conformance', 'a response topic that is not UTF-8 [MQTT5-3.3.2-13]'),
    ]),
    held('MQTT5-3.3.2-14', 'The response topic has no wildcards.', [
      inServer('malformed-conformance', 'a response topic with a wildcard [MQTT5-3.3.2-14]'),
    ]),
    held('MQTT5-3.3.2-15', 'The response topic is passed on as it is.', [
      inServer('mqtt5-messages', 'go unchanged to its subscribers, and to the embedder [MQTT5-3.3.2-17]'),
    ]),
    held('MQTT5-3.3.2-16', 'So is the correlation data.', [
      inServer('mqtt5-messages', 'go unchanged to its subscribers, and to the embedder [MQTT5-3.3.2-17]'),
    ]),
    held('MQTT5-3.3.2-17', 'So are the user properties.', [
      inServer('mqtt5-messages', 'go unchanged to its subscribers, and to the embedder [MQTT5-3.3.2-17]'),
    ]),
    held('MQTT5-3.3.2-18', 'In their order.', [
      inServer('mqtt5-messages', 'go unchanged to its subscribers, and to the embedder [MQTT5-3.3.2-17]'),
      inServer(
        'will-conformance',
        'a will has its user properties in the order that they were given [MQTT5-3.1.3-10]',
      ),
    ]),
    codec('MQTT5-3.3.2-19', 'The content type is UTF-8.', [
      inServer('malformed-conformance', 'a content type that is not UTF-8 [MQTT5-3.3.2-19]'),
    ]),
    held('MQTT5-3.3.2-20', 'The content type is passed on as it is.', [
      inServer('mqtt5-messages', 'go unchanged to its subscribers, and to the embedder [MQTT5-3.3.2-17]'),
    ]),
    held('MQTT5-3.3.4-1', 'PUBLISH is answered as its QoS says.', [
      inServer('publish-conformance', 'is answered as its QoS asks for [MQTT-3.3.4-1] [MQTT5-3.3.4-1]'),
    ]),
    held('MQTT5-3.3.4-2', 'Subscriptions that overlap bring the highest QoS of them.', [
      inServer('subscribe', 'overlapping filters bring a message once, with the highest QoS [MQTT-3.3.5-1]'),
    ]),
    held('MQTT5-3.3.4-3', 'A message has the subscription identifiers that let it in.', [
      inServer(
        'mqtt5-subscribe',
        'subscription identifiers come with what they let in, every one of them [MQTT5-3.3.4-3] [MQTT5-3.3.4-4]',
      ),
    ]),
    held('MQTT5-3.3.4-4', 'One copy has all of them.', [
      inServer(
        'mqtt5-subscribe',
        'subscription identifiers come with what they let in, every one of them [MQTT5-3.3.4-3] [MQTT5-3.3.4-4]',
      ),
    ]),
    held(
      'MQTT5-3.3.4-5',
      'Several copies have their own each.',
      [
        inServer(
          'shared-conformance',
          'beside an ordinary one brings a second copy, each with its own identifier [MQTT5-3.3.4-5]',
        ),
      ],
      'A second copy comes of a shared subscription only.',
    ),
    client('MQTT5-3.3.4-6', 'A client sends no subscription identifiers in PUBLISH.', [
      inServer('malformed-conformance', 'a subscription identifier [MQTT5-3.3.4-6]'),
      inServer('mqtt5-messages', 'with a subscription identifier ends the connection [MQTT5-3.3.4-6]'),
    ]),
    client(
      'MQTT5-3.3.4-7',
      'A client has no more unacknowledged messages under way than it was told.',
      [
        inServer(
          'qos2',
          'more unreleased messages than the receive maximum end the connection [MQTT5-3.3.4-7]',
        ),
      ],
      'QoS 1 beyond it waits unread; QoS 2 beyond it ends the connection.',
    ),
    client('MQTT5-3.3.4-8', 'A client delays nothing but PUBLISH for that.'),
    held('MQTT5-3.3.4-9', 'Nor has the server more of them than the client takes.', [
      inServer(
        'qos-conformance',
        'that comes back with a smaller window gets every PUBREL at once, and PUBLISH as it takes them [MQTT5-3.3.4-9] [MQTT5-3.3.4-10] [MQTT5-4.9.0-1]',
      ),
      inServer('mqtt5-messages', 'no more are in flight than the client takes [MQTT5-3.3.4-9]'),
    ]),
    held('MQTT5-3.3.4-10', 'Nor does it delay anything but PUBLISH.', [
      inServer(
        'qos-conformance',
        'that comes back with a smaller window gets every PUBREL at once, and PUBLISH as it takes them [MQTT5-3.3.4-9] [MQTT5-3.3.4-10] [MQTT5-4.9.0-1]',
      ),
      inServer(
        'subscribe-conformance',
        'whose window is full is still answered [MQTT5-3.3.4-10] [MQTT5-4.9.0-2] [MQTT5-4.9.0-3]',
      ),
    ]),
  ],
};
