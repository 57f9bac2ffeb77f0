import { type Chapter, client, codec, held, inCodec, inServer, inSession } from '../statement.ts';

export const FORMAT: Chapter = {
  title: 'Chapters 1 and 2: data and packet format',
  statements: [
    codec('MQTT5-1.5.4-1', 'Text is well-formed UTF-8.', [
      inServer('malformed-conformance', 'text that is not UTF-8 [MQTT5-1.5.4-1] [MQTT5-3.3.2-1]'),
      inServer('malformed-conformance', 'text with a surrogate [MQTT5-1.5.4-1]'),
    ]),
    codec('MQTT5-1.5.4-2', 'Text holds no U+0000.', [
      inServer('malformed-conformance', 'text with U+0000 [MQTT5-1.5.4-2] [MQTT5-4.7.3-2]'),
    ]),
    codec('MQTT5-1.5.4-3', 'U+FEFF is a character like others.', [
      inCodec('codec-conformance', 'a client ID keeps U+FEFF [MQTT5-1.5.4-3]'),
      inCodec('codec-conformance', 'a byte order mark within keeps U+FEFF [MQTT5-1.5.4-3]'),
    ]),
    codec('MQTT5-1.5.5-1', 'A variable byte integer has as few bytes as it needs.', [
      inCodec('codec-conformance', 'has lengths in as few bytes as they need [MQTT5-1.5.5-1]'),
      inServer('malformed-conformance', 'a length in more bytes than it needs [MQTT5-1.5.5-1]'),
      inCodec('codec', 'a length in more bytes than it needs [MQTT5-1.5.5-1]'),
    ]),
    codec('MQTT5-1.5.7-1', 'Both halves of a pair are text in that sense.', [
      inServer('malformed-conformance', 'a user property that is not UTF-8 [MQTT5-1.5.7-1]'),
      inServer('malformed-conformance', 'a user property whose name is not UTF-8 [MQTT5-1.5.7-1]'),
    ]),
    codec('MQTT5-2.1.3-1', 'Reserved flag bits have the value that the table gives them.', [
      inCodec(
        'codec-conformance',
        'has reserved flags as they must be [MQTT-2.2.2-1] [MQTT5-2.1.3-1] [MQTT5-3.2.2-1]',
      ),
      inServer('malformed-conformance', 'flags that are reserved [MQTT5-2.1.3-1]'),
    ]),
    codec('MQTT5-2.2.1-2', 'PUBLISH with QoS 0 has no identifier.', [
      inCodec('codec-conformance', 'of QoS 0 has no packet identifier [MQTT-2.3.1-5] [MQTT5-2.2.1-2]'),
    ]),
    client('MQTT5-2.2.1-3', 'A client gives a new packet an identifier that is not 0 and not in use.', [
      inServer('malformed-conformance', 'PUBLISH with packet identifier 0 [MQTT5-2.2.1-3]'),
      inServer(
        'client-conformance',
        'has a new QoS 2 message taken for the old one whose identifier it bears [MQTT-2.3.1-2] [MQTT5-2.2.1-3]',
      ),
    ]),
    held('MQTT5-2.2.1-4', 'So does the server with PUBLISH above QoS 0.', [
      inSession(
        'outgoing-queue',
        'never gives two unacknowledged messages one identifier, and delivers every message in order',
      ),
    ]),
    held('MQTT5-2.2.1-5', 'Acknowledgements of a PUBLISH bear its identifier.', [
      inServer('qos2', 'counts once, however often it is sent before it is released [MQTT-4.3.3-2]'),
      inServer(
        'qos2',
        'goes through PUBREC, PUBREL and PUBCOMP, and is acknowledged with the last [MQTT-4.3.3-1]',
      ),
      inServer(
        'mqtt5-messages',
        'by policy is told so with QoS 1 and 2, and the connection goes on [MQTT5-4.3.2-4]',
      ),
    ]),
    held('MQTT5-2.2.1-6', 'SUBACK and UNSUBACK bear the identifier of what they answer.', [
      inServer('mqtt5-subscribe', 'each refusal has its reason code and is named in the text'),
      inServer('mqtt5-subscribe', 'UNSUBACK says of each filter whether there was one [MQTT5-3.11.3-1]'),
    ]),
    codec('MQTT5-2.2.2-1', 'No properties are said with a length of 0.', [
      inCodec('codec-conformance', 'says with a zero that there are no properties [MQTT5-2.2.2-1]'),
    ]),
  ],
};
