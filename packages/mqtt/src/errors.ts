import { errorCatalogue } from '@ioto/runtime';

/** What a peer can do wrong in MQTT. Each costs it its connection and nothing else. */
export const mqttError = errorCatalogue({
  /** The bytes are no control packet of MQTT 3.1.1 or 5.0. */
  MQTT_MALFORMED: {},
  /** A well-formed packet that may not come here and now. */
  MQTT_PROTOCOL_VIOLATION: {},
  /** A CONNECT for a protocol level other than 4 and 5; `details.level` tells which. */
  MQTT_PROTOCOL_LEVEL: {},
  /** A limit of the server; `details.limit` is its name. */
  MQTT_LIMIT_EXCEEDED: {},
  /** The policy says no. */
  MQTT_FORBIDDEN: {},
  /** Topic names and filters that the server was asked to use by its embedder. */
  MQTT_TOPIC_INVALID: {},
});

/** For bytes that no MQTT peer may send; `clause` is the statement of the standard: `MQTT-…` of 3.1.1, `MQTT5-…` of 5.0. */
export function malformed(message: string, clause?: string) {
  return mqttError('MQTT_MALFORMED', clause ? `${message} [${clause}]` : message);
}
