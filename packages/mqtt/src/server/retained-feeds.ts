import type { Message } from '../session/message.ts';
import type { Subscription } from '../session/subscription.ts';
import type { Client } from './client.ts';
import { offer } from './routing.ts';

/** Retained messages that are queued at once, so that a large answer neither blocks the server nor fills the queue. */
const BATCH = 200;

interface Feed {
  subscription: Subscription;
  messages: Iterator<Message>;
}

/** Retained messages on their way to new subscriptions of one client, as fast as it takes them [MQTT-3.3.1-6]. */
export class RetainedFeeds<P> {
  readonly #client: Client<P>;
  #feeds: Feed[] = [];

  constructor(client: Client<P>) {
    this.#client = client;
  }

  add(subscription: Subscription): void {
    const { retained, clock } = this.#client.connection.broker;
    const messages = retained.matching(subscription.topicFilter, clock.now());
    this.#feeds.push({ subscription, messages });
    if (this.#feeds.length === 1) this.pump();
  }

  /** To be called when the client has taken something. */
  pump(): void {
    if (this.#feeds.length === 0) return;
    const { session, connection } = this.#client;
    for (let room = BATCH - session.queue.length; room > 0 && connection.isOpen; room -= 1) {
      const [feed] = this.#feeds;
      if (!feed) return;
      const next = feed.messages.next();
      const current = session.subscriptions.get(feed.subscription.filter) === feed.subscription;
      if (next.done || !current) this.#feeds.shift();
      else offer(connection.broker, session, next.value, feed.subscription, true);
    }
  }
}
