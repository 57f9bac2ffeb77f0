import {
  type Chapter,
  client,
  codec,
  deviation,
  held,
  inFile,
  inServer,
  inTopics,
  moot,
} from '../statement.ts';

export const TOPICS: Chapter = {
  title: '4.7 to 4.13 and 6: topics, flow, authentication, errors and WebSocket',
  statements: [
    held('MQTT5-4.7.0-1', 'Wildcards stand in filters only.', [
      inServer('malformed-conformance', 'PUBLISH to a wildcard [MQTT5-3.3.2-2] [MQTT5-4.7.0-1]'),
    ]),
    held('MQTT5-4.7.1-1', '# is the whole last level.', [
      inServer('malformed-conformance', 'SUBSCRIBE to a level that holds # and more [MQTT5-4.7.1-1]'),
      inServer('malformed-conformance', 'SUBSCRIBE with # before the last level [MQTT5-4.7.1-1]'),
      inTopics('topics', '%j is no filter'),
    ]),
    held('MQTT5-4.7.1-2', '+ is a whole level.', [
      inServer('malformed-conformance', 'SUBSCRIBE to a level that holds + and more [MQTT5-4.7.1-2]'),
      inTopics('topics', '%j is no filter'),
    ]),
    held('MQTT5-4.7.2-1', 'A wildcard at the first level matches no topic that begins with $.', [
      inServer(
        'publish-conformance',
        'on a topic with $ matches no wildcard at its first level [MQTT-4.7.2-1] [MQTT5-4.7.2-1]',
      ),
    ]),
    held('MQTT5-4.7.3-1', 'Topic names and filters are not empty.', [
      inServer('malformed-conformance', 'PUBLISH to no topic [MQTT5-4.7.3-1]'),
      inServer('malformed-conformance', 'SUBSCRIBE to an empty filter [MQTT5-4.7.3-1]'),
    ]),
    codec('MQTT5-4.7.3-2', 'Nor do they hold U+0000.', [
      inServer('malformed-conformance', 'text with U+0000 [MQTT5-1.5.4-2] [MQTT5-4.7.3-2]'),
    ]),
    codec(
      'MQTT5-4.7.3-3',
      'Nor are they longer than 65,535 bytes.',
      [
        inServer(
          'publish-conformance',
          'a topic of more bytes than a length can tell is refused to the embedder [MQTT-4.7.3-3] [MQTT5-4.7.3-3]',
        ),
      ],
      '`maxTopicLength` is far less.',
    ),
    held('MQTT5-4.7.3-4', 'They are compared as they are, letter by letter.', [
      inServer(
        'publish-conformance',
        'goes to exactly the topic that it names, letter by letter [MQTT-4.7.3-4] [MQTT5-4.7.3-4]',
      ),
      inTopics('topics', 'finds exactly the filters that match one by one, after any additions and removals'),
    ]),
    held('MQTT5-4.8.2-1', 'A shared subscription begins with $share/ and has a name.', [
      inServer('mqtt5-subscribe', 'without a name [MQTT5-4.8.2-1] end the connection'),
      inServer(
        'shared-conformance',
        'begins with $share, a name and a filter [MQTT5-4.8.2-1] [MQTT5-4.8.2-2]',
      ),
    ]),
    held('MQTT5-4.8.2-2', 'The name has no wildcards and is followed by a filter.', [
      inServer('mqtt5-subscribe', 'with a wildcard in its name [MQTT5-4.8.2-2] end the connection'),
      inServer(
        'shared-conformance',
        'begins with $share, a name and a filter [MQTT5-4.8.2-1] [MQTT5-4.8.2-2]',
      ),
      inServer('mqtt5-subscribe', 'without a filter end the connection'),
    ]),
    held('MQTT5-4.8.2-3', 'Each member gets the QoS that it was granted.', [
      inServer('shared-conformance', 'gives each member the QoS that it was granted [MQTT5-4.8.2-3]'),
    ]),
    held('MQTT5-4.8.2-4', 'QoS 2 that was begun with a member is brought to its end with it.', [
      inServer(
        'shared-conformance',
        'brings a message of QoS 2 to its end with the member that it was begun with [MQTT5-4.8.2-4]',
      ),
    ]),
    held('MQTT5-4.8.2-5', 'And goes to nobody else when its session ends.', [
      inServer(
        'shared-conformance',
        'gives what was begun with QoS 2 to nobody else when the session ends, what was not to another [MQTT5-4.8.2-5]',
      ),
    ]),
    held('MQTT5-4.8.2-6', 'What a member refuses goes to nobody else.', [
      inServer(
        'shared-conformance',
        'gives what a member refuses to nobody else, with QoS 1 [MQTT5-4.8.2-6]',
      ),
      inServer(
        'shared-conformance',
        'gives what a member refuses to nobody else, with QoS 2 [MQTT5-4.8.2-6]',
      ),
    ]),
    held('MQTT5-4.9.0-1', 'The send quota begins within the receive maximum.', [
      inServer(
        'qos-conformance',
        'that comes back with a smaller window gets every PUBREL at once, and PUBLISH as it takes them [MQTT5-3.3.4-9] [MQTT5-3.3.4-10] [MQTT5-4.9.0-1]',
      ),
    ]),
    held('MQTT5-4.9.0-2', 'Without quota no PUBLISH above QoS 0 is sent.', [
      inServer(
        'subscribe-conformance',
        'whose window is full is still answered [MQTT5-3.3.4-10] [MQTT5-4.9.0-2] [MQTT5-4.9.0-3]',
      ),
    ]),
    held('MQTT5-4.9.0-3', 'Everything else goes on.', [
      inServer(
        'subscribe-conformance',
        'whose window is full is still answered [MQTT5-3.3.4-10] [MQTT5-4.9.0-2] [MQTT5-4.9.0-3]',
      ),
    ]),
    held('MQTT5-4.12.0-1', 'An authentication method that is not served closes the connection.', [
      inServer('mqtt5-connect', 'enhanced authentication is refused with 0x8c [MQTT5-4.12.0-1]'),
    ]),
    moot(
      'MQTT5-4.12.0-2',
      'AUTH of the server asks to go on with 0x18.',
      'Enhanced authentication is not served, so the server sends no AUTH.',
    ),
    client('MQTT5-4.12.0-3', 'AUTH of the client goes on with 0x18.', [
      inServer(
        'client-conformance',
        'is closed for AUTH that goes on [MQTT5-4.12.0-3] with a method that nobody knows',
      ),
    ]),
    held('MQTT5-4.12.0-4', 'The server may refuse at any time, and closes the connection.', [
      inServer('mqtt5-connect', 'enhanced authentication is refused with 0x8c [MQTT5-4.12.0-1]'),
    ]),
    moot(
      'MQTT5-4.12.0-5',
      'AUTH and CONNACK name the method of CONNECT.',
      'Enhanced authentication is not served, so the server sends no AUTH.',
    ),
    held('MQTT5-4.12.0-6', 'A client that names none hears of none.', [
      inServer('connect-conformance', 'and names no method hears nothing of authentication [MQTT5-4.12.0-6]'),
    ]),
    client('MQTT5-4.12.0-7', 'A client that names none sends no AUTH.', [
      inServer('mqtt5-connect', 'AUTH without a method is a protocol error [MQTT5-4.12.0-7]'),
    ]),
    client('MQTT5-4.12.1-1', 'A client authenticates again with the same method.', [
      inServer(
        'client-conformance',
        'is closed for AUTH that begins anew [MQTT5-4.12.1-1] with a method that nobody knows',
      ),
    ]),
    moot(
      'MQTT5-4.12.1-2',
      'When that fails the connection is closed.',
      'Enhanced authentication is not served, so the server sends no AUTH.',
    ),
    held('MQTT5-4.13.1-1', 'A malformed packet or protocol error closes the connection.', [
      inServer('malformed-conformance', 'flags that are reserved [MQTT5-2.1.3-1]'),
      inServer(
        'connect-conformance',
        'a second time is closed without another CONNACK [MQTT-3.1.0-2] [MQTT5-3.1.0-2] [MQTT5-3.2.0-2]',
      ),
    ]),
    held('MQTT5-4.13.2-1', 'CONNACK and DISCONNECT with 0x80 and above close the connection.', [
      inServer('mqtt5-connect', 'a refusal with return code %i is reason code %i'),
      inServer('mqtt5-connect', 'tells the reason: administration'),
    ]),
    held('MQTT5-6.0.0-1', 'Another frame than a binary one closes the WebSocket.', [
      inFile(
        'packages/cloud/src/websocket/mqtt-websocket.test.ts',
        'is closed at a text frame [MQTT-6.0.0-1]',
      ),
    ]),
    held('MQTT5-6.0.0-2', 'Packets may span frames, and share them.', [
      inFile(
        'packages/cloud/src/websocket/mqtt-websocket.test.ts',
        'takes packets that span frames, and frames that hold several [MQTT-6.0.0-2]',
      ),
    ]),
    client('MQTT5-6.0.0-3', 'A client offers the subprotocol `mqtt`.', [
      inFile(
        'packages/cloud/src/websocket/mqtt-websocket.test.ts',
        'with a signed URL without the subprotocol [MQTT-6.0.0-3] is refused',
      ),
    ]),
    deviation(
      'MQTT5-6.0.0-4',
      'The server selects the subprotocol `mqtt`.',
      'A client that offers only `mqttv3.1`, as some for browsers do, is answered with that.',
      [
        inFile(
          'packages/cloud/src/websocket/mqtt-websocket.test.ts',
          'is spoken on the main port with a signed URL, in the subprotocol that was offered [MQTT-6.0.0-4]',
        ),
      ],
    ),
  ],
};
