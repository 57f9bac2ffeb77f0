import { REASON } from '../codec/reason-codes.ts';
import { mqttError } from '../errors.ts';

/** The topic aliases of one connection of MQTT 5 (5.0, 3.3.2.3.4), both directions; they end with it. */
export class TopicAliases {
  #received: (string | undefined)[] | undefined;
  #sent: Map<string, number> | undefined;
  readonly #maxReceived: number;
  readonly #maxSent: number;

  constructor(maxReceived: number, maxSent: number) {
    this.#maxReceived = maxReceived;
    this.#maxSent = maxSent;
  }

  /** The topic of a PUBLISH that came with an alias [MQTT5-3.3.2-8] [MQTT5-3.3.2-9]. */
  resolve(topic: string, alias: number): string {
    if (alias === 0) {
      throw mqttError('MQTT_PROTOCOL_VIOLATION', 'PUBLISH with topic alias 0 [MQTT5-3.3.2-8]', {
        details: { reasonCode: REASON.topicAliasInvalid },
      });
    }
    if (alias > this.#maxReceived) {
      const message = `PUBLISH with topic alias ${alias}; maxTopicAliases is ${this.#maxReceived} [MQTT5-3.3.2-9]`;
      throw mqttError('MQTT_LIMIT_EXCEEDED', message, { details: { limit: 'maxTopicAliases' } });
    }
    if (topic !== '') {
      this.#received ??= [];
      this.#received[alias] = topic;
      return topic;
    }
    const known = this.#received?.[alias];
    if (known !== undefined) return known;
    throw mqttError(
      'MQTT_PROTOCOL_VIOLATION',
      `PUBLISH with topic alias ${alias}, which stands for no topic`,
    );
  }

  /** True when the client takes aliases. */
  get sends(): boolean {
    return this.#maxSent > 0;
  }

  /** How to send a topic: the first ones that come are given aliases, as many as the client takes. */
  forSending(topic: string): { topic: string; topicAlias?: number } {
    if (this.#maxSent === 0) return { topic };
    this.#sent ??= new Map();
    const known = this.#sent.get(topic);
    if (known !== undefined) return { topic: '', topicAlias: known };
    if (this.#sent.size >= this.#maxSent) return { topic };
    const topicAlias = this.#sent.size + 1;
    this.#sent.set(topic, topicAlias);
    return { topic, topicAlias };
  }
}
