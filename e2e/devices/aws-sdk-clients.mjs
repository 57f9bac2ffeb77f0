// The two MQTT clients of aws-iot-device-sdk-v2, each behind the few calls that a conversation needs.
import sdk from 'aws-iot-device-sdk-v2';

const { auth, iot, iotshadow, mqtt, mqtt5 } = sdk;

/** Seconds to the next try of a client that lost its connection: none of its own accord within a test. */
const NEVER = 600;

/** Of clients that ask and wait for the answer; seconds. */
const ASKING = {
  maxRequestResponseSubscriptions: 8,
  maxStreamingSubscriptions: 4,
  operationTimeoutInSeconds: 10,
};

/**
 * @typedef {object} Access
 * @property {'mqtt311' | 'mqtt5'} version
 * @property {string} host
 * @property {number} port
 * @property {string} ca path of a PEM file
 * @property {string} clientId
 * @property {{ cert: string, key: string }} [certificate] paths of PEM files
 * @property {{ accessKeyId: string, secretAccessKey: string, sessionToken: string, region: string }} [keys]
 */

/** @param {Access} access */
export function newClient(access) {
  return access.version === 'mqtt5' ? new Client5(access) : new Client311(access);
}

function provider({ accessKeyId, secretAccessKey, sessionToken }) {
  return auth.AwsCredentialsProvider.newStatic(accessKeyId, secretAccessKey, sessionToken);
}

/** What came, and who waits for something. */
class Ear {
  heard = [];
  #waiting = [];

  hear(topic, payload) {
    this.heard.push({ topic, payload: Buffer.from(payload).toString() });
    for (const look of this.#waiting) look();
  }

  /** The payload of the first message on a topic. */
  on(topic) {
    return new Promise((resolve) => {
      const look = () => {
        const message = this.heard.find((each) => each.topic === topic);
        if (message) resolve(message.payload);
      };
      this.#waiting.push(look);
      look();
    });
  }
}

class Client311 {
  ear = new Ear();
  #connection;
  #closed;

  constructor({ host, port, ca, clientId, certificate, keys }) {
    const { AwsIotMqttConnectionConfigBuilder: Builder } = iot;
    const builder = certificate
      ? Builder.new_mtls_builder_from_path(certificate.cert, certificate.key)
      : Builder.new_with_websockets({ region: keys.region, credentials_provider: provider(keys) });
    const config = builder
      .with_certificate_authority_from_path(undefined, ca)
      .with_endpoint(host)
      .with_port(port)
      .with_client_id(clientId)
      .with_clean_session(false)
      .with_reconnect_min_sec(NEVER)
      .with_reconnect_max_sec(NEVER)
      .build();
    this.#connection = new mqtt.MqttClient().new_connection(config);
    this.#connection.on('message', (topic, payload) => this.ear.hear(topic, payload));
    this.#connection.on('error', () => undefined);
    this.#closed = new Promise((resolve) => this.#connection.on('interrupt', () => resolve('closed')));
  }

  async connect() {
    return { sessionPresent: await this.#connection.connect() };
  }

  shadows() {
    return iotshadow.IotShadowClientv2.newFromMqtt311(this.#connection, ASKING);
  }

  /** The granted QoS, or the code of the refusal. */
  async subscribe(filter, qos) {
    const answer = await this.#connection.subscribe(filter, qos).catch((error) => error);
    return answer.qos ?? answer.error_code ?? String(answer);
  }

  async publish(topic, payload, qos) {
    const sent = this.#connection.publish(topic, payload, qos).then(() => 'done');
    return Promise.race([sent.catch(String), this.#closed]);
  }

  closed() {
    return this.#closed;
  }

  async disconnect() {
    await this.#connection.disconnect().catch(() => undefined);
  }
}

class Client5 {
  ear = new Ear();
  #client;
  #closed;

  constructor({ host, port, ca, clientId, certificate, keys }) {
    const { AwsIotMqtt5ClientConfigBuilder: Builder } = iot;
    const builder = certificate
      ? Builder.newDirectMqttBuilderWithMtlsFromPath(host, certificate.cert, certificate.key)
      : Builder.newWebsocketMqttBuilderWithSigv4Auth(host, {
          region: keys.region,
          credentialsProvider: provider(keys),
        });
    const config = builder
      .withCertificateAuthorityFromPath(undefined, ca)
      .withPort(port)
      .withConnectProperties({ clientId, keepAliveIntervalSeconds: 60, sessionExpiryIntervalSeconds: 600 })
      .withSessionBehavior(mqtt5.ClientSessionBehavior.RejoinAlways)
      .withMinReconnectDelayMs(NEVER * 1000)
      .withMaxReconnectDelayMs(NEVER * 1000)
      .build();
    this.#client = new mqtt5.Mqtt5Client(config);
    this.#client.on('messageReceived', ({ message }) =>
      this.ear.hear(message.topicName, message.payload ?? ''),
    );
    this.#client.on('error', () => undefined);
    this.#closed = new Promise((resolve) =>
      this.#client.on('disconnection', ({ disconnect }) => resolve(disconnect?.reasonCode ?? 'closed')),
    );
  }

  connect() {
    return new Promise((resolve, reject) => {
      this.#client.on('connectionSuccess', ({ connack, settings }) =>
        resolve({ sessionPresent: connack.sessionPresent, maximumQos: settings.maximumQos }),
      );
      this.#client.on('connectionFailure', ({ error, connack }) =>
        reject(new Error(`${connack?.reasonCode ?? ''} ${error}`)),
      );
      this.#client.start();
    });
  }

  shadows() {
    return iotshadow.IotShadowClientv2.newFromMqtt5(this.#client, ASKING);
  }

  async subscribe(filter, qos) {
    const { reasonCodes } = await this.#client.subscribe({ subscriptions: [{ topicFilter: filter, qos }] });
    return reasonCodes[0];
  }

  async publish(topic, payload, qos) {
    const sent = this.#client
      .publish({ topicName: topic, payload, qos })
      .then((puback) => (puback?.reasonCode ? puback.reasonCode : 'done'));
    return Promise.race([sent.catch(String), this.#closed]);
  }

  closed() {
    return this.#closed;
  }

  disconnect() {
    return new Promise((resolve) => {
      this.#client.on('stopped', resolve);
      this.#client.stop({ reasonCode: mqtt5.DisconnectReasonCode.NormalDisconnection });
    });
  }
}
