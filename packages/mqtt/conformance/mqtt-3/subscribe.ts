import { type Chapter, client, codec, held, inCodec, inServer, moot } from '../statement.ts';

export const SUBSCRIBE: Chapter = {
  title: '3.8 to 3.14: SUBSCRIBE, UNSUBSCRIBE, PINGREQ and DISCONNECT',
  statements: [
    codec('MQTT-3.8.1-1', 'SUBSCRIBE with flags other than 2 closes the connection.', [
      inServer('malformed-conformance', 'SUBSCRIBE with other flags [MQTT-3.8.1-1]'),
      inCodec('codec', 'SUBSCRIBE with wrong flags [MQTT-3.8.1-1]'),
    ]),
    codec('MQTT-3.8.3-1', 'Filters of SUBSCRIBE are UTF-8.', [
      inServer('malformed-conformance', 'SUBSCRIBE to what is not UTF-8 [MQTT-3.8.3-1]'),
    ]),
    moot(
      'MQTT-3.8.3-2',
      'A server without wildcards refuses filters that have them.',
      'Wildcards are served.',
      [inServer('subscribe-conformance', 'may have wildcards at every level [MQTT-3.8.3-2]')],
    ),
    codec('MQTT-3.8.3-3', 'SUBSCRIBE has one filter at least.', [
      inServer('malformed-conformance', 'SUBSCRIBE without a filter [MQTT-3.8.3-3]'),
      inCodec('codec', 'SUBSCRIBE without a filter [MQTT-3.8.3-3]'),
    ]),
    codec('MQTT-3.8.3-4', 'Reserved bits beside the QoS of a filter, and QoS 3, close the connection.', [
      inServer('malformed-conformance', 'SUBSCRIBE with QoS 3 [MQTT-3.8.3-4]'),
      inServer('malformed-conformance', 'SUBSCRIBE with a reserved bit [MQTT-3.8.3-4]'),
      inCodec('codec', 'SUBSCRIBE with requested QoS 3 [MQTT-3.8.3-4]'),
    ]),
    held('MQTT-3.8.4-1', 'SUBSCRIBE is answered with SUBACK.', [
      inServer(
        'subscribe-conformance',
        'is answered with its own packet identifier [MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT5-3.8.4-1] [MQTT5-3.8.4-2]',
      ),
    ]),
    held('MQTT-3.8.4-2', 'SUBACK has the identifier of SUBSCRIBE.', [
      inServer(
        'subscribe-conformance',
        'is answered with its own packet identifier [MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT5-3.8.4-1] [MQTT5-3.8.4-2]',
      ),
    ]),
    held(
      'MQTT-3.8.4-3',
      'The same filter again replaces the subscription and brings what is retained, without a gap.',
      [
        inServer(
          'subscribe-conformance',
          'of a filter again replaces the subscription, brings what is retained again, and loses nothing [MQTT-3.8.4-3] [MQTT5-3.8.4-3] [MQTT5-3.8.4-4]',
        ),
      ],
    ),
    held('MQTT-3.8.4-4', 'Several filters in one SUBSCRIBE are like several packets with one answer.', [
      inServer(
        'subscribe-conformance',
        'with several filters is as several that come one after the other [MQTT-3.8.4-4] [MQTT5-3.8.4-5]',
      ),
    ]),
    held('MQTT-3.8.4-5', 'SUBACK says of every filter which QoS was granted, or that it failed.', [
      inServer('subscribe', 'answers each filter in order: granted, lowered or refused [MQTT-3.8.4-5]'),
    ]),
    held('MQTT-3.8.4-6', 'A message has the lower QoS of its own and the one that was granted.', [
      inServer(
        'subscribe-conformance',
        'is granted what it asks for, and hears no higher QoS [MQTT-3.8.4-6] [MQTT5-3.8.4-7] [MQTT5-3.8.4-8]',
      ),
      inServer(
        'subscribe',
        'the QoS of a message is the lower of its own and the subscription [MQTT-3.8.4-6]',
      ),
    ]),
    held('MQTT-3.9.3-1', 'Return codes come in the order of the filters.', [
      inServer('subscribe', 'answers each filter in order: granted, lowered or refused [MQTT-3.8.4-5]'),
    ]),
    codec('MQTT-3.9.3-2', 'Return codes of SUBACK are 0, 1, 2 and 0x80.', [
      inServer('subscribe', 'answers each filter in order: granted, lowered or refused [MQTT-3.8.4-5]'),
    ]),
    codec('MQTT-3.10.1-1', 'UNSUBSCRIBE with flags other than 2 closes the connection.', [
      inServer('malformed-conformance', 'UNSUBSCRIBE with other flags [MQTT-3.10.1-1]'),
    ]),
    codec('MQTT-3.10.3-1', 'Filters of UNSUBSCRIBE are UTF-8.', [
      inServer('malformed-conformance', 'UNSUBSCRIBE from what is not UTF-8 [MQTT-3.10.3-1]'),
    ]),
    codec('MQTT-3.10.3-2', 'UNSUBSCRIBE has one filter at least.', [
      inServer('malformed-conformance', 'UNSUBSCRIBE without a filter [MQTT-3.10.3-2]'),
      inCodec('codec', 'UNSUBSCRIBE without a filter [MQTT-3.10.3-2]'),
    ]),
    held('MQTT-3.10.4-1', 'A filter ends the subscription with the very same filter, and no other.', [
      inServer(
        'subscribe-conformance',
        'takes away the filters that are the same letter by letter [MQTT-3.10.4-1] [MQTT5-3.10.4-1]',
      ),
    ]),
    held('MQTT-3.10.4-2', 'Nothing new comes for a subscription that was ended.', [
      inServer(
        'subscribe-conformance',
        'lets end what has begun, and nothing new begin [MQTT-3.10.4-2] [MQTT-3.10.4-3] [MQTT5-3.10.4-2] [MQTT5-3.10.4-3]',
      ),
    ]),
    held('MQTT-3.10.4-3', 'QoS 1 and 2 that had begun is brought to its end.', [
      inServer(
        'subscribe-conformance',
        'lets end what has begun, and nothing new begin [MQTT-3.10.4-2] [MQTT-3.10.4-3] [MQTT5-3.10.4-2] [MQTT5-3.10.4-3]',
      ),
    ]),
    held('MQTT-3.10.4-4', 'UNSUBSCRIBE is answered with UNSUBACK of its identifier.', [
      inServer(
        'subscribe-conformance',
        'is answered once for all its filters, with its identifier [MQTT-2.3.1-7] [MQTT-3.10.4-4] [MQTT-3.10.4-6] [MQTT5-3.10.4-4] [MQTT5-3.10.4-5] [MQTT5-3.10.4-6]',
      ),
    ]),
    held('MQTT-3.10.4-5', 'Also where there was nothing to end.', [
      inServer(
        'subscribe',
        'UNSUBSCRIBE ends it and is answered, whether there was a subscription or not [MQTT-3.10.4-5]',
      ),
    ]),
    held('MQTT-3.10.4-6', 'Several filters in one UNSUBSCRIBE are like several packets with one answer.', [
      inServer(
        'subscribe-conformance',
        'is answered once for all its filters, with its identifier [MQTT-2.3.1-7] [MQTT-3.10.4-4] [MQTT-3.10.4-6] [MQTT5-3.10.4-4] [MQTT5-3.10.4-5] [MQTT5-3.10.4-6]',
      ),
    ]),
    held('MQTT-3.12.4-1', 'PINGREQ is answered with PINGRESP.', [
      inServer('subscribe-conformance', 'is answered [MQTT-3.12.4-1] [MQTT5-3.12.4-1]'),
    ]),
    codec('MQTT-3.14.1-1', 'DISCONNECT with flags closes the connection.', [
      inServer('malformed-conformance', 'DISCONNECT with flags [MQTT-3.14.1-1]'),
    ]),
    client('MQTT-3.14.4-1', 'After DISCONNECT a client closes the connection.', [
      inServer('connect', 'is discarded by DISCONNECT [MQTT-3.14.4-3]'),
    ]),
    client('MQTT-3.14.4-2', 'After DISCONNECT a client sends nothing.', [
      inServer(
        'subscribe-conformance',
        'is the last that is handled, at level 4 [MQTT-3.14.4-2] [MQTT5-3.14.4-1]',
      ),
      inServer(
        'subscribe-conformance',
        'is the last that is handled, at level 5 [MQTT-3.14.4-2] [MQTT5-3.14.4-1]',
      ),
    ]),
    held('MQTT-3.14.4-3', 'DISCONNECT discards the will.', [
      inServer('connect', 'is discarded by DISCONNECT [MQTT-3.14.4-3]'),
    ]),
  ],
};
