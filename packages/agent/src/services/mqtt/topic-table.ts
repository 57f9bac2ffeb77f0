/** Takes one message; its promise holds back the PUBACK, and when it rejects the message comes again. */
export type TopicHandler = (topic: string, payload: Buffer) => void | Promise<void>;

/** Who takes which of AWS's reserved topics: each service adds the beginning of its own. */
export class TopicTable {
  readonly #handlers = new Map<string, TopicHandler>();

  /** `prefix` with its last slash, such as `$aws/things/ID/shadow/`. The payload is the handler's to keep. */
  add(prefix: string, handler: TopicHandler): void {
    if (this.#handlers.has(prefix)) throw new Error(`two services want the topics ${prefix}`);
    this.#handlers.set(prefix, handler);
  }

  /** The handler of the longest prefix that fits. */
  find(topic: string): TopicHandler | undefined {
    let found: string | undefined;
    for (const prefix of this.#handlers.keys()) {
      if (topic.startsWith(prefix) && prefix.length > (found?.length ?? 0)) found = prefix;
    }
    return found === undefined ? undefined : this.#handlers.get(found);
  }
}
