import type { Message } from '../session/message.ts';
import type { Subscription } from '../session/subscription.ts';
import { LOOKS_AT_ONCE } from '../topics/retained-messages.ts';
import type { Client } from './client.ts';
import { offer } from './routing.ts';

/** Retained messages that are queued at once, so that a large answer neither blocks the server nor fills the queue. */
const BATCH = 200;

/** What a search among the topics costs in the budget of a loop turn, which is in bytes: about as long as to read so many. */
const SEARCH_COST = 32 * LOOKS_AT_ONCE;

interface Feed {
  /** Of the subscription, which another with the same filter may have replaced [MQTT5-3.8.4-4]. */
  filter: string;
  messages: Iterator<Message | undefined>;
}

/** Retained messages on their way to new subscriptions of one client, as fast as it takes them [MQTT-3.3.1-6]. */
export class RetainedFeeds<P> {
  readonly #client: Client<P>;
  #feeds: Feed[] = [];
  #scheduled = false;
  /** True while a search waits for its share of the loop. */
  #searching = false;

  constructor(client: Client<P>) {
    this.#client = client;
  }

  add(subscription: Subscription): void {
    const { retained, clock } = this.#client.connection.broker;
    const messages = retained.matching(subscription.topicFilter, clock.now());
    const { filter } = subscription;
    // It begins anew: nothing is sent twice for it, and a flood of SUBSCRIBEs makes no more feeds than subscriptions.
    this.#feeds = this.#feeds.filter((feed) => feed.filter !== filter);
    this.#feeds.push({ filter, messages });
    if (this.#feeds.length === 1) this.pump();
  }

  /** To be called when the client has taken something. */
  pump(): void {
    if (this.#feeds.length === 0 || this.#searching) return;
    const { session, connection } = this.#client;
    for (let room = BATCH - session.queue.length; connection.isOpen; room -= 1) {
      const [feed] = this.#feeds;
      if (!feed) return;
      if (room <= 0) {
        this.#goOn();
        return;
      }
      const next = feed.messages.next();
      const subscription = session.subscriptions.get(feed.filter);
      if (next.done || !subscription) this.#feeds.shift();
      else if (!next.value) {
        if (!this.#maySearch()) return;
      }
      // [MQTT5-3.8.3-3]
      else if (subscription.noLocal && next.value.publisher === session.clientId) continue;
      else offer(connection.broker, session, next.value, subscription, true);
    }
  }

  /** A filter that matches nothing of much would be looked for at the cost of all others, and as often as it is asked for. */
  #maySearch(): boolean {
    this.#searching = !this.#client.connection.broker.turn.take(SEARCH_COST, this.#onTurn);
    return !this.#searching;
  }

  readonly #onTurn = (): void => {
    this.#searching = false;
    this.pump();
  };

  /** Where nothing of a batch is left that the client could take, because all of it was skipped or is gone already. */
  #goOn(): void {
    if (this.#scheduled || this.#client.session.queue.length > 0) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.pump();
    });
  }
}
