import { type Chapter, codec, held, inCodec, inServer, moot } from '../statement.ts';

export const SUBSCRIBE: Chapter = {
  title: '3.8 to 3.11: SUBSCRIBE and UNSUBSCRIBE',
  statements: [
    codec('MQTT5-3.8.1-1', 'SUBSCRIBE with flags other than 2 closes the connection.', [
      inServer('malformed-conformance', 'SUBSCRIBE with other flags [MQTT5-3.8.1-1]'),
    ]),
    codec('MQTT5-3.8.3-1', 'Filters of SUBSCRIBE are UTF-8.', [
      inServer('malformed-conformance', 'SUBSCRIBE to what is not UTF-8 [MQTT5-3.8.3-1]'),
    ]),
    codec('MQTT5-3.8.3-2', 'SUBSCRIBE has one filter at least.', [
      inServer('malformed-conformance', 'SUBSCRIBE without a filter [MQTT5-3.8.3-2]'),
    ]),
    held('MQTT5-3.8.3-3', 'No local: a client is not sent what it published itself.', [
      inServer(
        'mqtt5-subscribe',
        'no local: a client does not hear itself, through other subscriptions it does [MQTT5-3.8.3-3]',
      ),
      inServer('session-id', 'hear what the other publishes also with no local [MQTT5-3.8.3-3]'),
    ]),
    held('MQTT5-3.8.3-4', 'No local with a shared subscription is a protocol error.', [
      inServer('mqtt5-subscribe', 'with no local [MQTT5-3.8.3-4] end the connection'),
    ]),
    codec('MQTT5-3.8.3-5', 'Reserved bits of the options are malformed.', [
      inServer('malformed-conformance', 'SUBSCRIBE with reserved bits [MQTT5-3.8.3-5]'),
      inCodec('codec', 'SUBSCRIBE with reserved option bits [MQTT5-3.8.3-5]'),
    ]),
    held('MQTT5-3.8.4-1', 'SUBSCRIBE is answered with SUBACK.', [
      inServer(
        'subscribe-conformance',
        'is answered with its own packet identifier [MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT5-3.8.4-1] [MQTT5-3.8.4-2]',
      ),
    ]),
    held('MQTT5-3.8.4-2', 'SUBACK has the identifier of SUBSCRIBE.', [
      inServer(
        'subscribe-conformance',
        'is answered with its own packet identifier [MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT5-3.8.4-1] [MQTT5-3.8.4-2]',
      ),
    ]),
    held('MQTT5-3.8.4-3', 'The same filter again replaces the subscription.', [
      inServer(
        'subscribe-conformance',
        'of a filter again replaces the subscription, brings what is retained again, and loses nothing [MQTT-3.8.4-3] [MQTT5-3.8.4-3] [MQTT5-3.8.4-4]',
      ),
    ]),
    held('MQTT5-3.8.4-4', 'It brings what is retained, where retain handling is 0, and loses nothing.', [
      inServer(
        'subscribe-conformance',
        'of a filter again replaces the subscription, brings what is retained again, and loses nothing [MQTT-3.8.4-3] [MQTT5-3.8.4-3] [MQTT5-3.8.4-4]',
      ),
    ]),
    held('MQTT5-3.8.4-5', 'Several filters in one SUBSCRIBE are like several packets with one answer.', [
      inServer(
        'subscribe-conformance',
        'with several filters is as several that come one after the other [MQTT-3.8.4-4] [MQTT5-3.8.4-5]',
      ),
    ]),
    held('MQTT5-3.8.4-6', 'SUBACK has a reason code for every filter.', [
      inServer('mqtt5-subscribe', 'each refusal has its reason code and is named in the text'),
    ]),
    held('MQTT5-3.8.4-7', 'It tells the QoS that was granted, or that the subscription failed.', [
      inServer(
        'subscribe-conformance',
        'is granted what it asks for, and hears no higher QoS [MQTT-3.8.4-6] [MQTT5-3.8.4-7] [MQTT5-3.8.4-8]',
      ),
      inServer('mqtt5-subscribe', 'each refusal has its reason code and is named in the text'),
    ]),
    held('MQTT5-3.8.4-8', 'A message has the lower QoS of its own and the one that was granted.', [
      inServer(
        'subscribe-conformance',
        'is granted what it asks for, and hears no higher QoS [MQTT-3.8.4-6] [MQTT5-3.8.4-7] [MQTT5-3.8.4-8]',
      ),
    ]),
    held('MQTT5-3.9.2-1', 'A reason string makes SUBACK no larger than the client takes.', [
      inServer(
        'subscribe-conformance',
        'that could not take the text is refused a filter without it [MQTT5-3.9.2-1]',
      ),
    ]),
    moot(
      'MQTT5-3.9.2-2',
      'Nor do user properties.',
      'The server adds no user properties to what it says itself.',
    ),
    held('MQTT5-3.9.3-1', 'Reason codes come in the order of the filters.', [
      inServer('mqtt5-subscribe', 'each refusal has its reason code and is named in the text'),
    ]),
    codec('MQTT5-3.9.3-2', 'Reason codes are SUBACK’s.', [
      inServer('mqtt5-subscribe', 'each refusal has its reason code and is named in the text'),
    ]),
    codec('MQTT5-3.10.1-1', 'UNSUBSCRIBE with flags other than 2 closes the connection.', [
      inServer('malformed-conformance', 'UNSUBSCRIBE with other flags [MQTT5-3.10.1-1]'),
    ]),
    codec('MQTT5-3.10.3-1', 'Filters of UNSUBSCRIBE are UTF-8.', [
      inServer('malformed-conformance', 'UNSUBSCRIBE from what is not UTF-8 [MQTT5-3.10.3-1]'),
    ]),
    codec('MQTT5-3.10.3-2', 'UNSUBSCRIBE has one filter at least.', [
      inServer('malformed-conformance', 'UNSUBSCRIBE without a filter [MQTT5-3.10.3-2]'),
    ]),
    held('MQTT5-3.10.4-1', 'A filter ends the subscription with the very same filter, and no other.', [
      inServer(
        'subscribe-conformance',
        'takes away the filters that are the same letter by letter [MQTT-3.10.4-1] [MQTT5-3.10.4-1]',
      ),
    ]),
    held('MQTT5-3.10.4-2', 'Nothing new comes for a subscription that was ended.', [
      inServer(
        'subscribe-conformance',
        'lets end what has begun, and nothing new begin [MQTT-3.10.4-2] [MQTT-3.10.4-3] [MQTT5-3.10.4-2] [MQTT5-3.10.4-3]',
      ),
    ]),
    held('MQTT5-3.10.4-3', 'QoS 1 and 2 that had begun is brought to its end.', [
      inServer(
        'subscribe-conformance',
        'lets end what has begun, and nothing new begin [MQTT-3.10.4-2] [MQTT-3.10.4-3] [MQTT5-3.10.4-2] [MQTT5-3.10.4-3]',
      ),
    ]),
    held('MQTT5-3.10.4-4', 'UNSUBSCRIBE is answered with UNSUBACK.', [
      inServer(
        'subscribe-conformance',
        'is answered once for all its filters, with its identifier [MQTT-2.3.1-7] [MQTT-3.10.4-4] [MQTT-3.10.4-6] [MQTT5-3.10.4-4] [MQTT5-3.10.4-5] [MQTT5-3.10.4-6]',
      ),
    ]),
    held('MQTT5-3.10.4-5', 'With its identifier, and also where there was nothing to end.', [
      inServer(
        'subscribe-conformance',
        'is answered once for all its filters, with its identifier [MQTT-2.3.1-7] [MQTT-3.10.4-4] [MQTT-3.10.4-6] [MQTT5-3.10.4-4] [MQTT5-3.10.4-5] [MQTT5-3.10.4-6]',
      ),
    ]),
    held('MQTT5-3.10.4-6', 'Several filters in one UNSUBSCRIBE are like several packets with one answer.', [
      inServer(
        'subscribe-conformance',
        'is answered once for all its filters, with its identifier [MQTT-2.3.1-7] [MQTT-3.10.4-4] [MQTT-3.10.4-6] [MQTT5-3.10.4-4] [MQTT5-3.10.4-5] [MQTT5-3.10.4-6]',
      ),
    ]),
    moot(
      'MQTT5-3.11.2-1',
      'A reason string makes UNSUBACK no larger than the client takes.',
      'It has no reason string.',
    ),
    moot(
      'MQTT5-3.11.2-2',
      'Nor do user properties.',
      'The server adds no user properties to what it says itself.',
    ),
    held('MQTT5-3.11.3-1', 'Reason codes come in the order of the filters.', [
      inServer('mqtt5-subscribe', 'UNSUBACK says of each filter whether there was one [MQTT5-3.11.3-1]'),
    ]),
    codec('MQTT5-3.11.3-2', 'Reason codes are UNSUBACK’s.', [
      inServer('mqtt5-subscribe', 'UNSUBACK says of each filter whether there was one [MQTT5-3.11.3-1]'),
    ]),
  ],
};
