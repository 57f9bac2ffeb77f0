import { type Chapter, client, codec, held, inCodec, inServer, inSession } from '../statement.ts';

export const FORMAT: Chapter = {
  title: 'Chapters 1 and 2: data and packet format',
  statements: [
    codec('MQTT-1.5.3-1', 'Text is well-formed UTF-8; what is not closes the connection.', [
      inServer('malformed-conformance', 'text that is not UTF-8 [MQTT-1.5.3-1] [MQTT-3.3.2-1]'),
      inServer('malformed-conformance', 'text with a surrogate [MQTT-1.5.3-1]'),
      inCodec('codec', 'PUBLISH with an overlong UTF-8 topic [MQTT-1.5.3-1]'),
      inCodec('codec', 'PUBLISH with a surrogate in its topic [MQTT-1.5.3-1]'),
    ]),
    codec('MQTT-1.5.3-2', 'Text holds no U+0000; one that does closes the connection.', [
      inServer('malformed-conformance', 'text with U+0000 [MQTT-1.5.3-2] [MQTT-4.7.3-2]'),
      inCodec('codec', 'PUBLISH with U+0000 in its topic [MQTT-1.5.3-2]'),
    ]),
    codec('MQTT-1.5.3-3', 'U+FEFF is a character like others, at the beginning of text, too.', [
      inCodec('codec', 'a topic keeps a leading byte order mark [MQTT-1.5.3-3]'),
    ]),
    codec('MQTT-2.2.2-1', 'Reserved flag bits have the value that the table gives them.', [
      inCodec(
        'codec-conformance',
        'has reserved flags as they must be [MQTT-2.2.2-1] [MQTT5-2.1.3-1] [MQTT5-3.2.2-1]',
      ),
    ]),
    codec('MQTT-2.2.2-2', 'Other flags close the connection.', [
      inServer('malformed-conformance', 'flags that are reserved [MQTT-2.2.2-2]'),
      inCodec('codec', 'PINGREQ with flags [MQTT-2.2.2-2]'),
    ]),
    codec(
      'MQTT-2.3.1-1',
      'SUBSCRIBE, UNSUBSCRIBE and PUBLISH above QoS 0 have an identifier that is not 0.',
      [
        inServer('malformed-conformance', 'PUBLISH with packet identifier 0 [MQTT-2.3.1-1]'),
        inCodec('codec', 'PUBLISH with packet identifier 0 [MQTT-2.3.1-1]'),
      ],
    ),
    client('MQTT-2.3.1-2', 'A client gives a new packet an identifier that is not in use.', [
      inServer(
        'client-conformance',
        'has a new QoS 2 message taken for the old one whose identifier it bears [MQTT-2.3.1-2] [MQTT5-2.2.1-3]',
      ),
    ]),
    client('MQTT-2.3.1-3', 'A client sends a packet again with the identifier that it had.', [
      inServer(
        'client-conformance',
        'has a QoS 2 message that it sends again with another identifier taken for a new one [MQTT-2.3.1-3]',
      ),
    ]),
    held('MQTT-2.3.1-4', 'So does the server with PUBLISH above QoS 0.', [
      inSession(
        'outgoing-queue',
        'never gives two unacknowledged messages one identifier, and delivers every message in order',
      ),
      inServer(
        'sessions',
        'redelivers with DUP and the same identifier what was not acknowledged [MQTT-4.4.0-1]',
      ),
    ]),
    codec('MQTT-2.3.1-5', 'PUBLISH with QoS 0 has no identifier.', [
      inCodec('codec-conformance', 'of QoS 0 has no packet identifier [MQTT-2.3.1-5] [MQTT5-2.2.1-2]'),
    ]),
    held('MQTT-2.3.1-6', 'Acknowledgements of a PUBLISH bear its identifier.', [
      inServer('qos2', 'counts once, however often it is sent before it is released [MQTT-4.3.3-2]'),
      inServer(
        'qos2',
        'goes through PUBREC, PUBREL and PUBCOMP, and is acknowledged with the last [MQTT-4.3.3-1]',
      ),
    ]),
    held('MQTT-2.3.1-7', 'SUBACK and UNSUBACK bear the identifier of what they answer.', [
      inServer(
        'subscribe-conformance',
        'is answered once for all its filters, with its identifier [MQTT-2.3.1-7] [MQTT-3.10.4-4] [MQTT-3.10.4-6] [MQTT5-3.10.4-4] [MQTT5-3.10.4-5] [MQTT5-3.10.4-6]',
      ),
      inServer('subscribe', 'answers each filter in order: granted, lowered or refused [MQTT-3.8.4-5]'),
    ]),
  ],
};
