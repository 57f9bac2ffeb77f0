import { type Chapter, codec, deviation, held, inCodec, inServer, inTopics } from '../statement.ts';

export const PUBLISH: Chapter = {
  title: '3.3 to 3.7: PUBLISH and its acknowledgements',
  statements: [
    held('MQTT-3.3.1-1', 'What is delivered again has DUP.', [
      inServer(
        'sessions',
        'redelivers with DUP and the same identifier what was not acknowledged [MQTT-4.4.0-1]',
      ),
    ]),
    codec('MQTT-3.3.1-2', 'QoS 0 has no DUP.', [
      inServer('malformed-conformance', 'PUBLISH with QoS 0 and DUP [MQTT-3.3.1-2]'),
      inCodec('codec', 'PUBLISH with DUP and QoS 0 [MQTT-3.3.1-2]'),
    ]),
    held('MQTT-3.3.1-3', 'DUP of a publisher is not passed on.', [
      inServer('publish-conformance', 'with DUP goes to subscribers without [MQTT-3.3.1-3] [MQTT5-3.3.1-3]'),
    ]),
    codec('MQTT-3.3.1-4', 'QoS 3 closes the connection.', [
      inServer('malformed-conformance', 'PUBLISH with QoS 3 [MQTT-3.3.1-4]'),
      inCodec('codec', 'PUBLISH with QoS 3 [MQTT-3.3.1-4]'),
    ]),
    deviation(
      'MQTT-3.3.1-5',
      'A message with retain is stored with its QoS for those who subscribe later.',
      'Within the limits for retained messages; nothing is retained on topics that begin with $.',
      [
        inServer(
          'publish-conformance',
          'is replaced by the next, of QoS 0, too [MQTT-3.3.1-5] [MQTT-3.3.1-7] [MQTT5-3.3.1-5]',
        ),
        inServer('publish', 'go to a new subscriber with the retain flag, and to an old one without'),
      ],
    ),
    held(
      'MQTT-3.3.1-6',
      'A new subscription gets the last retained message of every topic that it matches.',
      [
        inServer(
          'publish-conformance',
          'comes for every topic that the filter matches, each with the flag [MQTT-3.3.1-6] [MQTT-3.3.1-8] [MQTT5-3.3.1-9]',
        ),
      ],
    ),
    held('MQTT-3.3.1-7', 'Retain with QoS 0 discards what was retained before.', [
      inServer(
        'publish-conformance',
        'is replaced by the next, of QoS 0, too [MQTT-3.3.1-5] [MQTT-3.3.1-7] [MQTT5-3.3.1-5]',
      ),
    ]),
    held('MQTT-3.3.1-8', 'What a new subscription brings has retain.', [
      inServer(
        'publish-conformance',
        'comes for every topic that the filter matches, each with the flag [MQTT-3.3.1-6] [MQTT-3.3.1-8] [MQTT5-3.3.1-9]',
      ),
      inServer('publish', 'go to a new subscriber with the retain flag, and to an old one without'),
    ]),
    held('MQTT-3.3.1-9', 'What an old subscription brings has no retain.', [
      inServer('publish', 'go to a new subscriber with the retain flag, and to an old one without'),
    ]),
    held('MQTT-3.3.1-10', 'An empty message with retain goes to subscribers and leaves nothing retained.', [
      inTopics(
        'retained-messages',
        'keeps the last message of each topic, and none after an empty one [MQTT-3.3.1-10]',
      ),
      inServer(
        'publish-conformance',
        'goes when an empty one comes, which subscribers get and nobody later [MQTT-3.3.1-10] [MQTT-3.3.1-11] [MQTT5-3.3.1-6] [MQTT5-3.3.1-7]',
      ),
    ]),
    held('MQTT-3.3.1-11', 'An empty message is not retained.', [
      inServer(
        'publish-conformance',
        'goes when an empty one comes, which subscribers get and nobody later [MQTT-3.3.1-10] [MQTT-3.3.1-11] [MQTT5-3.3.1-6] [MQTT5-3.3.1-7]',
      ),
    ]),
    held('MQTT-3.3.1-12', 'A message without retain changes nothing that is retained.', [
      inServer(
        'publish-conformance',
        'stays when one comes that is not to be retained [MQTT-3.3.1-12] [MQTT5-3.3.1-8]',
      ),
    ]),
    codec('MQTT-3.3.2-1', 'The topic name comes first and is UTF-8.', [
      inServer('malformed-conformance', 'text that is not UTF-8 [MQTT-1.5.3-1] [MQTT-3.3.2-1]'),
    ]),
    held('MQTT-3.3.2-2', 'A topic name has no wildcards.', [
      inServer('malformed-conformance', 'PUBLISH to a wildcard [MQTT-3.3.2-2] [MQTT-4.7.1-1]'),
      inServer('publish', 'to a topic with a wildcard [MQTT-3.3.2-2] closes the connection'),
    ]),
    held('MQTT-3.3.2-3', 'What a client is sent matches a filter that it subscribes to.', [
      inTopics('topics', 'finds exactly the filters that match one by one, after any additions and removals'),
    ]),
    held('MQTT-3.3.4-1', 'PUBLISH is answered as its QoS says.', [
      inServer('publish-conformance', 'is answered as its QoS asks for [MQTT-3.3.4-1] [MQTT5-3.3.4-1]'),
    ]),
    held('MQTT-3.3.5-1', 'Subscriptions that overlap bring the highest QoS of them.', [
      inTopics(
        'topics',
        'a subscriber with overlapping filters is found once, with the highest QoS [MQTT-3.3.5-1]',
      ),
      inServer('subscribe', 'overlapping filters bring a message once, with the highest QoS [MQTT-3.3.5-1]'),
    ]),
    held(
      'MQTT-3.3.5-2',
      'A PUBLISH that is not allowed is acknowledged like others, or the connection closed.',
      [inServer('publish', 'to a forbidden topic closes the connection, and the embedder never sees it')],
    ),
    codec('MQTT-3.6.1-1', 'PUBREL with flags other than 2 closes the connection.', [
      inServer('malformed-conformance', 'PUBREL with other flags [MQTT-3.6.1-1]'),
    ]),
  ],
};
