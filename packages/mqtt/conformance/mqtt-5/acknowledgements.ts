import { type Chapter, codec, held, inServer, moot } from '../statement.ts';

export const ACKNOWLEDGEMENTS: Chapter = {
  title: '3.4 to 3.7: PUBACK, PUBREC, PUBREL and PUBCOMP',
  statements: [
    codec('MQTT5-3.4.2-1', 'PUBACK has one of its reason codes.', [
      inServer('malformed-conformance', 'PUBACK with a reason of another packet [MQTT5-3.4.2-1]'),
      inServer(
        'mqtt5-messages',
        'by policy is told so with QoS 1 and 2, and the connection goes on [MQTT5-4.3.2-4]',
      ),
    ]),
    held('MQTT5-3.4.2-2', 'A reason string makes PUBACK no larger than the client takes.', [
      inServer(
        'subscribe-conformance',
        'is refused a PUBLISH without a text that could not take it [MQTT5-3.4.2-2] [MQTT5-3.5.2-2]',
      ),
    ]),
    moot(
      'MQTT5-3.4.2-3',
      'Nor do user properties.',
      'The server adds no user properties to what it says itself.',
    ),
    codec('MQTT5-3.5.2-1', 'PUBREC has one of its reason codes.', [
      inServer('malformed-conformance', 'PUBREC with a reason of another packet [MQTT5-3.5.2-1]'),
      inServer(
        'mqtt5-messages',
        'by policy is told so with QoS 1 and 2, and the connection goes on [MQTT5-4.3.2-4]',
      ),
    ]),
    held('MQTT5-3.5.2-2', 'A reason string makes PUBREC no larger than the client takes.', [
      inServer(
        'subscribe-conformance',
        'is refused a PUBLISH without a text that could not take it [MQTT5-3.4.2-2] [MQTT5-3.5.2-2]',
      ),
    ]),
    moot(
      'MQTT5-3.5.2-3',
      'Nor do user properties.',
      'The server adds no user properties to what it says itself.',
    ),
    codec('MQTT5-3.6.1-1', 'PUBREL with flags other than 2 closes the connection.', [
      inServer('malformed-conformance', 'PUBREL with other flags [MQTT5-3.6.1-1]'),
    ]),
    codec('MQTT5-3.6.2-1', 'PUBREL has one of its reason codes.', [
      inServer('malformed-conformance', 'PUBREL with a reason of another packet [MQTT5-3.6.2-1]'),
      inServer('qos2', 'a client of MQTT 5 that refuses it with PUBREC ends the exchange [MQTT5-4.4.0-2]'),
    ]),
    moot(
      'MQTT5-3.6.2-2',
      'A reason string makes PUBREL no larger than the client takes.',
      'It has no reason string.',
    ),
    moot(
      'MQTT5-3.6.2-3',
      'Nor do user properties.',
      'The server adds no user properties to what it says itself.',
    ),
    codec('MQTT5-3.7.2-1', 'PUBCOMP has one of its reason codes.', [
      inServer('malformed-conformance', 'PUBCOMP with a reason of another packet [MQTT5-3.7.2-1]'),
      inServer(
        'qos2',
        'PUBREL for what nobody knows is answered with PUBCOMP, in MQTT 5 with the reason (5.0, 3.7.2.1)',
      ),
    ]),
    moot(
      'MQTT5-3.7.2-2',
      'A reason string makes PUBCOMP no larger than the client takes.',
      'It has no reason string.',
    ),
    moot(
      'MQTT5-3.7.2-3',
      'Nor do user properties.',
      'The server adds no user properties to what it says itself.',
    ),
  ],
};
