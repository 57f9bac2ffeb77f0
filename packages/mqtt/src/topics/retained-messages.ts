import { type Message, messageSize, ownBytes } from '../session/message.ts';
import { matchesTopic } from './topic-match.ts';

/** The last retained message of each topic (3.1.1, 3.3.1.3), within bounds for all topics together. */
export class RetainedMessages {
  readonly #byTopic = new Map<string, Message>();
  readonly #maxMessages: number;
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxMessages: number, maxBytes: number) {
    this.#maxMessages = maxMessages;
    this.#maxBytes = maxBytes;
  }

  get size(): number {
    return this.#byTopic.size;
  }

  /** Keeps the message, or forgets its topic when the payload is empty [MQTT-3.3.1-10]. Returns the limit that forbids it. */
  keep(message: Message): 'maxRetainedMessages' | 'maxRetainedBytes' | undefined {
    const { topic, payload } = message;
    const before = this.#byTopic.get(topic);
    const bytes = this.#bytes - (before ? messageSize(before) : 0);
    if (payload.length === 0) {
      this.#byTopic.delete(topic);
      this.#bytes = bytes;
      return undefined;
    }
    if (!before && this.#byTopic.size >= this.#maxMessages) return 'maxRetainedMessages';
    if (bytes + messageSize(message) > this.#maxBytes) return 'maxRetainedBytes';
    this.#byTopic.set(topic, { ...message, payload: ownBytes(payload), retain: true });
    this.#bytes = bytes + messageSize(message);
    return undefined;
  }

  /** Those that a new subscription gets [MQTT-3.3.1-6]; one without wildcards costs one look. */
  *matching(filter: string): Generator<Message> {
    if (!filter.includes('+') && !filter.includes('#')) {
      const message = this.#byTopic.get(filter);
      if (message) yield message;
      return;
    }
    for (const message of this.#byTopic.values()) {
      if (matchesTopic(filter, message.topic)) yield message;
    }
  }
}
